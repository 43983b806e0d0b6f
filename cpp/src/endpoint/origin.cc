#include "flowersec/endpoint/origin.h"

#include "flowersec/base/text.h"
#include "flowersec/base/web_url.h"
#include "flowersec/endpoint/error.h"

namespace flowersec::endpoint {
namespace {

// The host keeps its spelling, since some servers compare it as text.
std::optional<std::string> origin_of(std::string_view text, web_schemes schemes) {
  const auto url = trim(text);
  const auto parsed = parse_web_url(url, schemes);
  if (!parsed) return std::nullopt;
  const auto begin = url.find("://") + 3;
  const auto authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  return (parsed->secure ? "https://" : "http://") + std::string{authority};
}

}  // namespace

result<std::string> origin_of_websocket_url(std::string_view url) {
  auto origin = origin_of(url, websocket_schemes);
  if (origin) return std::move(*origin);
  return make_error({.path = path::automatic, .stage = stage::validate, .code = endpoint_errc::invalid_input});
}

result<std::string> origin_for_tunnel(std::string_view tunnel_url, std::string_view controlplane_url) {
  if (auto origin = origin_of(controlplane_url, http_schemes)) return std::move(*origin);
  return origin_of_websocket_url(tunnel_url);
}

}  // namespace flowersec::endpoint
