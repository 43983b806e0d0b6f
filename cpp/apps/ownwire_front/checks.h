// What --check-config of OwnWire's programs looks at.
// Layer apps. Blocking file I/O; nothing is bound or changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/problem.h"
#include "cli/program.h"
#include "ownwire_front/options.h"

namespace flowersec::apps {

struct config_check {
  std::string what;
  std::optional<std::string> wrong{};
};

template <class T>
std::optional<std::string> wrong_with(const or_problem<T>& outcome) {
  return outcome ? std::nullopt : std::optional{outcome.error().text};
}

/// The stylesheet.
void add_common_checks(std::vector<config_check>& checks, const front_command& command);
/// A token file, when there is one.
void add_token_check(std::vector<config_check>& checks, const std::string& flag, const std::string& path);

/// A line per check: good ones on stdout, bad ones on stderr. Result: exit_usage when one is bad.
[[nodiscard]] int report_checks(const std::vector<config_check>& checks, const invocation& io);

}  // namespace flowersec::apps
