#include "flowersec/ws/url.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "flowersec/base/text.h"
#include "flowersec/ws/error.h"

namespace flowersec::ws {
namespace {

constexpr std::uint16_t default_port(bool secure) noexcept { return secure ? 443 : 80; }

/// Line breaks, spaces and their like must not reach the request line or a certificate check, escaped or not.
bool is_plain(std::string_view host) noexcept {
  return std::ranges::all_of(host, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

}  // namespace

std::string url::host_header() const {
  std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != default_port(secure)) text += ':' + std::to_string(port);
  return text;
}

result<url> parse_url(std::string_view text) {
  const auto invalid = make_error_code(ws_errc::url_invalid);
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return invalid;
  const auto& view = *parsed;

  url out;
  const auto scheme = ascii_lower(view.scheme());
  if (scheme != "ws" && scheme != "wss") return invalid;
  out.secure = scheme == "wss";
  out.port = default_port(out.secure);
  if (view.has_userinfo()) return invalid;

  switch (view.host_type()) {
    case boost::urls::host_type::ipv4:
    case boost::urls::host_type::ipv6:
      out.host_is_ip = true;
      break;
    case boost::urls::host_type::name:
      break;
    default:
      return invalid;
  }
  out.host = ascii_lower(view.host_address());
  if (out.host.empty() || !is_plain(out.host)) return invalid;

  if (view.has_port() && !view.port().empty()) {
    out.port = view.port_number();
    if (out.port == 0) return invalid;  // also what Boost.URL reports for a number that does not fit
  }
  const std::string_view path = view.encoded_path();
  // Boost.URL takes "h:80x" as host, port and a path "x", which no authority may be followed by.
  if (!path.empty() && path.front() != '/') return invalid;
  out.target = path.empty() ? "/" : std::string{path};
  if (view.has_query()) out.target += '?' + std::string{std::string_view{view.encoded_query()}};
  return out;
}

}  // namespace flowersec::ws
