#include "flowersec/ownwire/events.h"

#include <array>

namespace flowersec::ownwire {

namespace {

struct named_kind {
  std::string_view name;
  event_level level;
};

// In the order of the enumeration.
constexpr std::array kinds{
    named_kind{"origin_refused", event_level::warning}, named_kind{"visitor_refused", event_level::warning},
    named_kind{"open_failed", event_level::info},       named_kind{"session_started", event_level::info},
    named_kind{"session_resumed", event_level::info},   named_kind{"session_taken", event_level::info},
    named_kind{"session_lost", event_level::info},      named_kind{"session_ended", event_level::info},
    named_kind{"frame_refused", event_level::info},     named_kind{"text_taken", event_level::debug},
    named_kind{"reply_sent", event_level::debug},       named_kind{"replies_dropped", event_level::warning},
    named_kind{"user_too_slow", event_level::info},     named_kind{"client_connected", event_level::info},
    named_kind{"client_refused", event_level::warning}, named_kind{"client_ended", event_level::info},
    named_kind{"client_stalled", event_level::warning}, named_kind{"reply_ignored", event_level::warning},
    named_kind{"texts_dropped", event_level::warning},
};
static_assert(kinds.size() == static_cast<std::size_t>(gateway_event_kind::texts_dropped) + 1);

}  // namespace

std::string_view to_string(gateway_event_kind kind) noexcept { return kinds[static_cast<std::size_t>(kind)].name; }
event_level level_of(gateway_event_kind kind) noexcept { return kinds[static_cast<std::size_t>(kind)].level; }

}  // namespace flowersec::ownwire
