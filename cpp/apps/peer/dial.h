// From the command line to connect options.
// Layer apps.
#pragma once

#include "flowersec/endpoint/options.h"
#include "peer/options.h"

namespace flowersec::apps {

[[nodiscard]] endpoint::connect_options connect_options_of(const dial_command& command);

}  // namespace flowersec::apps
