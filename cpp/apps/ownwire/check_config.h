// What --check-config of ownwire looks at.
// Layer apps. Blocking file I/O; nothing is bound or changed.
#pragma once

#include <vector>

#include "ownwire/options.h"
#include "ownwire_front/checks.h"

namespace flowersec::apps {

/// The command has no usage problem.
[[nodiscard]] std::vector<config_check> check_config(const ownwire_command& command);

}  // namespace flowersec::apps
