#include "ownwire_front/event_log.h"

#include <algorithm>

namespace flowersec::apps {
namespace {

using ownwire::gateway_event_kind;

log_level log_level_of(gateway_event_kind kind) {
  switch (ownwire::level_of(kind)) {
    case ownwire::event_level::warning:
      return log_level::warning;
    case ownwire::event_level::info:
      return log_level::info;
    case ownwire::event_level::debug:
      break;
  }
  return log_level::debug;
}

std::string words(std::string_view name) {
  std::string text{name};
  std::ranges::replace(text, '_', ' ');
  return text;
}

}  // namespace

event_line line_of(const ownwire::gateway_event& event) {
  event_line line{.level = log_level_of(event.kind), .message = words(to_string(event.kind)), .fields = {}};
  line.is_refusal = event.kind == gateway_event_kind::origin_refused ||
                    event.kind == gateway_event_kind::visitor_refused ||
                    event.kind == gateway_event_kind::frame_refused || event.kind == gateway_event_kind::open_failed ||
                    event.kind == gateway_event_kind::client_refused;
  if (event.kind == gateway_event_kind::origin_refused) {
    const bool is_missing = event.detail == "none";
    line.message = is_missing ? "refused a request without Origin: --allow-no-origin would accept programs"
                              : "refused an origin: --allow-origin would accept it";
    if (!is_missing) line.fields.emplace_back("origin", stranger_text(event.detail));
  } else if (!event.detail.empty()) {
    line.fields.emplace_back("detail", stranger_text(event.detail));
  }
  if (!event.session_id.empty()) line.fields.emplace_back("session_id", event.session_id);
  if (!event.remote_addr.empty()) line.fields.emplace_back("address", stranger_text(event.remote_addr));
  if (event.bytes > 0) line.fields.emplace_back("bytes", std::to_string(event.bytes));
  return line;
}

}  // namespace flowersec::apps
