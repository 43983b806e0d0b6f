// The blind front as a process: its token, its signals, its log and metrics.
// Layer apps.
#pragma once

#include "cli/program.h"
#include "ownwire_edge/options.h"

namespace flowersec::apps {

/// Serves until a signal. The command has no usage problem. Result: the exit code.
[[nodiscard]] int run_edge(const edge_command& command, const invocation& io);

}  // namespace flowersec::apps
