// What a chat client is told beside the errors of its connection, which are those of the endpoint layer.
// Layer ownwire, part `client`. Source: PROTOCOL, "OwnWire, chat stream"; docs/ERRORS.md.
#pragma once

#include <string_view>

#include "flowersec/base/error.h"
#include "flowersec/ownwire/frames.h"

namespace flowersec::ownwire {

/// "final": the chat is closed. "lost": the connection is given up and tried again. "text": one text failed, the chat
/// goes on.
enum class client_errc {
  closed = 1,           ///< the chat is over, or was closed meanwhile
  queue_full,           ///< max_queue texts wait already; nothing was taken
  content_too_large,    ///< text: more bytes than the gateway takes; nothing was sent, or the gateway refused it
  content_not_text,     ///< text: not UTF-8; nothing was taken
  connection_lost,      ///< lost: the stream ended
  welcome_timeout,      ///< lost: no welcome within 10 s
  ack_timeout,          ///< lost: no word of a text within 10 s
  invalid_frame,        ///< lost: the gateway does not keep to the format. final: it says that we do not
  rate_limited,         ///< text, or lost when no session was made
  backend_unavailable,  ///< text: nobody took it in time
  session_unknown,      ///< the session is gone; the chat goes on in a new one
  session_taken,        ///< final: another connection took the session over
  metadata_too_large,   ///< final: metadata or auth
  shutting_down,        ///< lost: the gateway ends
  refused,              ///< a code that this version does not know
};

/// The names of the codes, which are those of the chat's error frames where both exist.
[[nodiscard]] std::string_view to_string(client_errc code) noexcept;
[[nodiscard]] const char* describe(client_errc code) noexcept;
[[nodiscard]] error_code make_error_code(client_errc code) noexcept;

/// What an error frame says.
[[nodiscard]] client_errc to_client_errc(chat_error code) noexcept;

}  // namespace flowersec::ownwire

FLOWERSEC_REGISTER_ERRC(flowersec::ownwire::client_errc)
