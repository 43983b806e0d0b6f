#include "flowersec/ownwire/client_errc.h"

#include <array>

namespace flowersec::ownwire {
namespace {

struct row {
  client_errc code;
  const char* name;
  const char* text;
};

using enum client_errc;

constexpr std::array table{
    row{closed, "closed", "the chat is closed"},
    row{queue_full, "queue_full", "too many texts wait already"},
    row{content_too_large, "content_too_large", "the text is too large"},
    row{content_not_text, "content_not_text", "the text is not UTF-8"},
    row{connection_lost, "connection_lost", "the connection is gone"},
    row{welcome_timeout, "welcome_timeout", "the gateway did not welcome us in time"},
    row{ack_timeout, "ack_timeout", "the gateway said nothing about a text in time"},
    row{invalid_frame, "invalid_frame", "one side does not keep to the format"},
    row{rate_limited, "rate_limited", "too many at a time"},
    row{backend_unavailable, "backend_unavailable", "nobody is there to take the text"},
    row{session_unknown, "session_unknown", "the gateway does not know the session any more"},
    row{session_taken, "session_taken", "another connection took the session over"},
    row{metadata_too_large, "metadata_too_large", "the metadata or the auth token is too large"},
    row{shutting_down, "shutting_down", "the gateway is shutting down"},
    row{refused, "refused", "the gateway refused, for a reason of a later version"},
};

constexpr const row* find(client_errc code) noexcept {
  for (const auto& each : table) {
    if (each.code == code) return &each;
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(client_errc code) noexcept {
  const auto* found = find(code);
  return found != nullptr ? found->name : "unknown";
}

const char* describe(client_errc code) noexcept {
  const auto* found = find(code);
  return found != nullptr ? found->text : "unknown chat error";
}

error_code make_error_code(client_errc code) noexcept {
  static constexpr errc_category<client_errc> category{"flowersec.ownwire.client"};
  return {static_cast<int>(code), category};
}

client_errc to_client_errc(chat_error code) noexcept {
  switch (code) {
    case chat_error::invalid_frame:
      return invalid_frame;
    case chat_error::content_too_large:
      return content_too_large;
    case chat_error::metadata_too_large:
      return metadata_too_large;
    case chat_error::rate_limited:
      return rate_limited;
    case chat_error::backend_unavailable:
      return backend_unavailable;
    case chat_error::session_unknown:
      return session_unknown;
    case chat_error::session_taken:
      return session_taken;
    case chat_error::shutting_down:
      return shutting_down;
    case chat_error::other:
      break;
  }
  return refused;
}

}  // namespace flowersec::ownwire
