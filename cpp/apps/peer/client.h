// The client role of the conformance peer.
// Layer apps.
#pragma once

#include "cli/program.h"
#include "peer/options.h"

namespace flowersec::apps {

/// Connects, tries everything, prints one JSON line. Returns the exit code.
[[nodiscard]] int run_client(const client_command& command, const invocation& io);

}  // namespace flowersec::apps
