// Absolute URLs of the web's schemes, taken apart strictly: http and https, ws and wss.
// Layer base, part url, on Boost.URL. Decides nothing about who may be dialled.
// Source: RFC 3986; RFC 6455 section 3; RFC 9110 section 4.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowersec {

struct web_url {
  bool secure = true;       ///< the scheme's variant with TLS
  std::string host;         ///< lower-case, percent-escapes resolved, IPv6 without brackets
  bool host_is_ip = false;  ///< IPv4 or IPv6 literal: no SNI, certificate compared by address
  std::uint16_t port = 443;
  std::string target = "/";  ///< path and query as sent in the request line

  /// Value of the Host header: brackets around IPv6, port only when it is not the scheme's default.
  [[nodiscard]] std::string host_header() const;
  [[nodiscard]] bool same_origin(const web_url& other) const noexcept {
    return secure == other.secure && host == other.host && port == other.port;
  }
};

/// A scheme and its variant with TLS, lower-case.
struct web_schemes {
  std::string_view plain;
  std::string_view secure;
};

inline constexpr web_schemes http_schemes{"http", "https"};
inline constexpr web_schemes websocket_schemes{"ws", "wss"};

/// nullopt: another scheme (any case), no host, user-info, a port outside 1..65535, white space or anything else that
/// is no URL. A fragment is dropped.
[[nodiscard]] std::optional<web_url> parse_web_url(std::string_view text, web_schemes schemes);

/// Where the reference `location` leads, seen from `base`. nullopt as for parse_web_url().
[[nodiscard]] std::optional<web_url> resolve_web_url(const web_url& base, std::string_view location,
                                                     web_schemes schemes);

}  // namespace flowersec
