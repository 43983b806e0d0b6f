// The service: HTTP for those who ask, control connections for those who are asked for.
// Layer apps. One thread, and one more for the disk.
#pragma once

#include "controlplane/options.h"

namespace flowersec::apps::plane {

/// Runs until a signal says stop. The command has no usage problem.
[[nodiscard]] int run_serve(const serve_command& command, const invocation& io);

}  // namespace flowersec::apps::plane
