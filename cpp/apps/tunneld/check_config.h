// --check-config: everything that a start would read and parse, without starting.
// Layer apps. Reads files; binds nothing, resolves no name and asks nobody.
#pragma once

#include <string>
#include <vector>

#include "cli/problem.h"
#include "tunneld/options.h"

namespace flowersec::apps {

/// What was looked at, and what is wrong with it.
struct config_check {
  std::string what;
  std::optional<std::string> wrong = {};
};

/// The checks that apply to the command, all of them, in the order of a start: verifier, replay journal, certificate,
/// addresses. The command has no usage problem; what its tenants file holds is one of the checks.
[[nodiscard]] std::vector<config_check> check_config(const tunnel_command& command);

/// Prints them: what is good on stdout, what is not on stderr.
/// Result   the exit code: 0 when all is good, else 2.
[[nodiscard]] int report_checks(const std::vector<config_check>& checks, const invocation& io);

}  // namespace flowersec::apps
