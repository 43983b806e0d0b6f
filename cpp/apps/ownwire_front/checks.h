// What --check-config of OwnWire's programs looks at.
// Layer apps. Blocking file I/O; nothing is bound or changed.
#pragma once

#include <string>
#include <vector>

#include "ownwire_front/options.h"
#include "serving/config_check.h"

namespace flowersec::apps {

/// The stylesheet.
void add_common_checks(std::vector<config_check>& checks, const front_command& command);
/// A token file, when there is one.
void add_token_check(std::vector<config_check>& checks, const std::string& flag, const std::string& path);

}  // namespace flowersec::apps
