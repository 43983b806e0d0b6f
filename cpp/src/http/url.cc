#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>

#include "flowersec/base/text.h"
#include "flowersec/http/client.h"

namespace flowersec::http {
namespace {

constexpr std::uint16_t default_port(bool secure) noexcept { return secure ? 443 : 80; }

bool is_plain(std::string_view host) noexcept {
  return std::ranges::all_of(host, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

result<url> take_apart(const boost::urls::url_view& view) {
  const auto invalid = make_error_code(http_errc::url_invalid);
  url out;
  const auto scheme = ascii_lower(view.scheme());
  if (scheme != "http" && scheme != "https") return invalid;
  out.secure = scheme == "https";
  out.port = default_port(out.secure);
  if (view.has_userinfo() || view.host_type() == boost::urls::host_type::none ||
      view.host_type() == boost::urls::host_type::ipvfuture) {
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

}  // namespace

std::string url::host_header() const {
  std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != default_port(secure)) text += ':' + std::to_string(port);
  return text;
}

result<url> parse_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return make_error_code(http_errc::url_invalid);
  return take_apart(*parsed);
}

result<url> resolve_location(const url& base, std::string_view location) {
  const auto invalid = make_error_code(http_errc::redirect_invalid);
  const auto base_text = (base.secure ? "https://" : "http://") + base.host_header() + base.target;
  const auto from = boost::urls::parse_uri(base_text);
  const auto reference = boost::urls::parse_uri_reference(location);
  if (!from || !reference) return invalid;
  boost::urls::url to;
  if (!boost::urls::resolve(*from, *reference, to)) return invalid;
  auto out = take_apart(to);
  if (!out) return invalid;
  return out;
}

}  // namespace flowersec::http
