// ws and wss URLs.
// Layer ws, no I/O. Decides nothing about who may be dialled: that is the transport policy above.
// Source: RFC 6455 section 3; PROTOCOL, "Opening handshake".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flowersec/base/error.h"

namespace flowersec::ws {

struct url {
  bool secure = true;       ///< wss
  std::string host;         ///< lower-case, percent-escapes resolved, IPv6 without brackets
  bool host_is_ip = false;  ///< IPv4 or IPv6 literal: no SNI, certificate compared by address
  std::uint16_t port = 443;
  std::string target = "/";  ///< path and query as sent in the request line

  /// Value of the Host header: brackets around IPv6, port only when it is not the scheme's default.
  [[nodiscard]] std::string host_header() const;
};

/// Errors   ws_errc::url_invalid: scheme other than ws or wss (any case), no host, user-info, a port outside
///          1..65535, white space or anything else that is not a URL. A fragment is dropped.
[[nodiscard]] result<url> parse_url(std::string_view text);

}  // namespace flowersec::ws
