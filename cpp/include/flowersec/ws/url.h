// ws and wss URLs.
// Layer ws, no I/O. Decides nothing about who may be dialled: that is the transport policy above.
// Source: RFC 6455 section 3; PROTOCOL, "Opening handshake".
#pragma once

#include <string_view>

#include "flowersec/base/error.h"
#include "flowersec/base/web_url.h"

namespace flowersec::ws {

using url = web_url;

/// Errors   ws_errc::url_invalid, for the reasons of parse_web_url().
[[nodiscard]] result<url> parse_url(std::string_view text);

}  // namespace flowersec::ws
