// The registry as a process: its files, its signals, its log and metrics.
// Layer apps.
#pragma once

#include <vector>

#include "cli/program.h"
#include "registry/options.h"
#include "serving/config_check.h"

namespace flowersec::apps {

/// Serves until a signal. The command has no usage problem. Result: the exit code.
[[nodiscard]] int run_registry(const registry_command& command, const invocation& io);

/// What --check-config looks at; nothing is bound or changed.
[[nodiscard]] std::vector<config_check> check_registry(const registry_command& command);

}  // namespace flowersec::apps
