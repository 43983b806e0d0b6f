// The gateway as a process: its files, its signals, its log and metrics.
// Layer apps.
#pragma once

#include "cli/program.h"
#include "ownwire/options.h"

namespace flowersec::apps {

/// Serves until a signal. The command has no usage problem. Result: the exit code.
[[nodiscard]] int run_gateway(const ownwire_command& command, const invocation& io);

}  // namespace flowersec::apps
