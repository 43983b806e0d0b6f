// What --check-config looks at.
// Layer apps. Blocking file I/O; nothing is bound or changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/program.h"
#include "ownwire/options.h"

namespace flowersec::apps {

struct config_check {
  std::string what;
  std::optional<std::string> wrong{};
};

/// The command has no usage problem.
[[nodiscard]] std::vector<config_check> check_config(const ownwire_command& command);

/// A line per check: good ones on stdout, bad ones on stderr. Result: exit_usage when one is bad.
[[nodiscard]] int report_checks(const std::vector<config_check>& checks, const invocation& io);

}  // namespace flowersec::apps
