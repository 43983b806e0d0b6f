// From the command line to connect options.
// Layer apps.
#pragma once

#include "flowersec/endpoint/options.h"
#include "peer/options.h"

namespace flowersec::apps {

/// What the flags say of the limits of sessions.
void set_limits(const dial_command& command, endpoint::session_options& session);
[[nodiscard]] endpoint::connect_options connect_options_of(const dial_command& command);

}  // namespace flowersec::apps
