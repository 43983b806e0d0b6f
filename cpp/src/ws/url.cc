#include "flowersec/ws/url.h"

#include <utility>

#include "flowersec/ws/error.h"

namespace flowersec::ws {

result<url> parse_url(std::string_view text) {
  auto parsed = parse_web_url(text, websocket_schemes);
  if (!parsed) return make_error_code(ws_errc::url_invalid);
  return *std::move(parsed);
}

}  // namespace flowersec::ws
