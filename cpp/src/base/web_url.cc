#include "flowersec/base/web_url.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <system_error>

#include "flowersec/base/text.h"

namespace flowersec {
namespace {

constexpr std::uint16_t default_port(bool secure) noexcept { return secure ? 443 : 80; }

/// What a host may be made of without escapes (RFC 3986, reg-name), or an address. An escape that hides
/// anything else, such as a line break or a slash, must not reach the request line or a certificate check.
bool is_plain(std::string_view host) noexcept {
  return host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:") == std::string_view::npos;
}

bool take_host(const boost::urls::url_view& view, web_url& into) {
  switch (view.host_type()) {
    case boost::urls::host_type::ipv4:
    case boost::urls::host_type::ipv6:
      into.host_is_ip = true;
      break;
    case boost::urls::host_type::name:
      break;
    default:
      return false;
  }
  into.host = ascii_lower(view.host_address());
  if (!into.host_is_ip && into.host.find(':') != std::string::npos) return false;
  return !into.host.empty() && is_plain(into.host);
}

std::optional<web_url> take_apart(const boost::urls::url_view& view, web_schemes schemes) {
  web_url out;
  const auto scheme = ascii_lower(view.scheme());
  if (scheme != schemes.plain && scheme != schemes.secure) return std::nullopt;
  out.secure = scheme == schemes.secure;
  out.port = default_port(out.secure);
  if (view.has_userinfo() || !take_host(view, out)) return std::nullopt;
  if (view.has_port() && !view.port().empty()) {
    // Not Boost.URL's number, which is a wrong one for some texts that do not fit.
    const std::string_view digits = view.port();
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || out.port == 0) return std::nullopt;
  }
  const std::string_view path = view.encoded_path();
  // Boost.URL takes "h:80x" as host, port and a path "x", which no authority may be followed by.
  if (!path.empty() && path.front() != '/') return std::nullopt;
  out.target = path.empty() ? "/" : std::string{path};
  if (view.has_query()) out.target += '?' + std::string{std::string_view{view.encoded_query()}};
  return out;
}

}  // namespace

std::string web_url::host_header() const {
  std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != default_port(secure)) text += ':' + std::to_string(port);
  return text;
}

std::optional<web_url> parse_web_url(std::string_view text, web_schemes schemes) {
  const auto parsed = boost::urls::parse_uri(text);
  return parsed ? take_apart(*parsed, schemes) : std::nullopt;
}

std::optional<web_url> resolve_web_url(const web_url& base, std::string_view location, web_schemes schemes) {
  const auto base_text =
      std::string{base.secure ? schemes.secure : schemes.plain} + "://" + base.host_header() + base.target;
  const auto from = boost::urls::parse_uri(base_text);
  const auto reference = boost::urls::parse_uri_reference(location);
  boost::urls::url to;
  if (!from || !reference || !boost::urls::resolve(*from, *reference, to)) return std::nullopt;
  return take_apart(to, schemes);
}

}  // namespace flowersec
