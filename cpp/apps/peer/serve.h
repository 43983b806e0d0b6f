// The server role of the conformance peer, through a tunnel or listening itself.
// Layer apps.
#pragma once

#include "cli/program.h"
#include "peer/options.h"

namespace flowersec::apps {

/// Runs until the client has left, or a signal says stop. Returns the exit code.
[[nodiscard]] int run_serve(const serve_command& command, const invocation& io);

}  // namespace flowersec::apps
