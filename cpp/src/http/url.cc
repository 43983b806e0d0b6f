#include <utility>

#include "flowersec/http/client.h"

namespace flowersec::http {

result<url> parse_url(std::string_view text) {
  auto parsed = parse_web_url(text, http_schemes);
  if (!parsed) return make_error_code(http_errc::url_invalid);
  return *std::move(parsed);
}

result<url> resolve_location(const url& base, std::string_view location) {
  auto target = resolve_web_url(base, location, http_schemes);
  if (!target) return make_error_code(http_errc::redirect_invalid);
  return *std::move(target);
}

}  // namespace flowersec::http
