#include "registry/event_log.h"

#include <algorithm>

namespace flowersec::apps {
namespace {

using kind = rendezvous::registry_event_kind;

log_level level_of(kind which) {
  switch (which) {
    case kind::mint_failed:
      return log_level::error;
    case kind::registered:
    case kind::unregistered:
    case kind::socket_dropped:
      return log_level::debug;
    default:
      return log_level::info;
  }
}

std::string words(std::string_view name) {
  std::string text{name};
  std::ranges::replace(text, '_', ' ');
  return text;
}

}  // namespace

void registry_log::write(const rendezvous::registry_event& event) {
  const auto level = level_of(event.kind);
  if (!logs(level)) return;
  auto message = words(to_string(event.kind));
  log_fields fields;
  if (event.kind == kind::origin_refused) {
    const bool is_missing = event.detail == "none";
    message = is_missing ? "refused a request without Origin: --allow-no-origin would accept programs"
                         : "refused an origin: --allow-origin would accept it";
    if (!is_missing) fields.emplace_back("origin", stranger_text(event.detail));
  } else if (!event.detail.empty()) {
    fields.emplace_back("detail", stranger_text(event.detail));
  }
  if (event.code) fields.emplace_back("code", to_string(*event.code));
  if (!event.key.empty()) fields.emplace_back("key", event.key);
  if (!event.remote_addr.empty()) fields.emplace_back("address", stranger_text(event.remote_addr));
  const bool is_strangers = event.kind == kind::refused || event.kind == kind::socket_refused ||
                            event.kind == kind::origin_refused || event.kind == kind::open_failed;
  if (is_strangers) return refusals_.write(message, fields, level);
  log_line(level, message, fields);
}

}  // namespace flowersec::apps
