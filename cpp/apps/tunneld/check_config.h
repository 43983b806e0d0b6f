// --check-config: everything that a start would read and parse, without starting.
// Layer apps. Reads files; binds nothing, resolves no name and asks nobody.
#pragma once

#include <vector>

#include "serving/config_check.h"
#include "tunneld/options.h"

namespace flowersec::apps {

/// The checks that apply to the command, all of them, in the order of a start: verifier, replay journal, certificate,
/// addresses. The command has no usage problem; what its tenants file holds is one of the checks.
[[nodiscard]] std::vector<config_check> check_config(const tunnel_command& command);

}  // namespace flowersec::apps
