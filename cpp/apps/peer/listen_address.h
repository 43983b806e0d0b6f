// What a directly serving peer listens on, and whom it lets in.
// Layer apps. Pure.
#pragma once

#include <string>
#include <string_view>

#include "cli/problem.h"
#include "flowersec/endpoint/direct_listener.h"
#include "peer/options.h"

namespace flowersec::apps {

/// The address is from --direct, the path from the URL that clients are given. On a loopback address, clients without
/// an Origin and with a loopback one are let in when no origin is named; elsewhere one must be.
[[nodiscard]] or_problem<endpoint::listen_options> listen_options_of(const serve_command& command,
                                                                     std::string_view ws_url);

}  // namespace flowersec::apps
