// Grants and connect infos as people keep them: files of the issuing tools in either form, a control
// plane's answer, or one bare object.
// Layer apps.
#pragma once

#include <string>

#include "cli/problem.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/session.h"
#include "peer/options.h"

namespace flowersec::apps {

/// Reads the file (or stdin for "-") and picks the grant of this role out of it. `url` replaces the tunnel's.
/// Problems name the file and the field.
[[nodiscard]] or_problem<endpoint::channel_init_grant> load_grant(const dial_command& command, endpoint::role role);
[[nodiscard]] or_problem<endpoint::direct_connect_info> load_info(const dial_command& command);

/// The part of load_grant and load_info that needs no file.
[[nodiscard]] or_problem<endpoint::channel_init_grant> parse_grant(std::string_view text, endpoint::role role);
[[nodiscard]] or_problem<endpoint::direct_connect_info> parse_info(std::string_view text);

}  // namespace flowersec::apps
