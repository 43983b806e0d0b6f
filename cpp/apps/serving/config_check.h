// What --check-config looks at, one line each.
// Layer apps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/problem.h"
#include "cli/program.h"

namespace flowersec::apps {

struct config_check {
  std::string what;
  std::optional<std::string> wrong{};
};

template <class T>
std::optional<std::string> wrong_with(const or_problem<T>& outcome) {
  return outcome ? std::nullopt : std::optional{outcome.error().text};
}

/// A line per check: good ones on stdout, bad ones on stderr. Result: exit_usage when one is bad.
[[nodiscard]] int report_checks(const std::vector<config_check>& checks, const invocation& io);

}  // namespace flowersec::apps
