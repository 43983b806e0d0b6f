// The Origin header that a program without a page sends.
// Layer endpoint. Pure. Source: OBSERVABILITY, "Origins".
#pragma once

#include <string>
#include <string_view>

#include "flowersec/base/error.h"

namespace flowersec::endpoint {

/// https://host[:port] of a wss URL, http://host[:port] of a ws URL, host and port as written. White space around it is
/// ignored. Errors   validate/invalid_input: another scheme, no host, user info, or no URL.
[[nodiscard]] result<std::string> origin_of_websocket_url(std::string_view url);

/// For a tunnel: of the controlplane's http or https URL when that is one, else of the tunnel's URL.
[[nodiscard]] result<std::string> origin_for_tunnel(std::string_view tunnel_url, std::string_view controlplane_url);

}  // namespace flowersec::endpoint
