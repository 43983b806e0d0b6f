// Runs the messenger: identity file, client, terminal, signals.
// Layer apps.
#pragma once

#include "chat/options.h"

namespace flowersec::apps {

/// `flowersec chat`: from the command line to the exit code.
[[nodiscard]] int run_chat(const invocation& io);

}  // namespace flowersec::apps
