// What a client tells its application. Layer rendezvous. Values only. Source: SECURE_WEBSOCKET, "C++".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "flowersec/base/error.h"
#include "flowersec/identity/public_key.h"

namespace flowersec::rendezvous {

/// A message of a contact. Once the handler has returned, it is acknowledged; when it throws, it is not, the channel
/// ends, and the message comes again on the next one.
struct received_message {
  identity::public_key from;
  std::string content;                       ///< one JSON value
  std::optional<std::int64_t> sent_at_ms{};  ///< Unix milliseconds, as the sender says; for display, not for order
};

/// A call of somebody who is no contact. Add a contact with this key, then accept_call(); or do nothing.
struct incoming_call {
  std::uint64_t id = 0;
  identity::public_key from;
  std::optional<std::string> note{};  ///< at most 256 bytes, of anybody's making
  std::string registry_url;
};

enum class registry_status : std::uint8_t {
  connecting,  ///< being connected or registered, the first time or again
  registered,
  failed,  ///< nothing is tried any more; retry() begins anew
  closed,
};

enum class channel_status : std::uint8_t {
  calling,  ///< there is none, and it is being got
  open,
  waiting,  ///< lost; it is got back, or the contact is expected to do so
  closed,   ///< there is none
};

[[nodiscard]] std::string_view to_string(registry_status status) noexcept;
[[nodiscard]] std::string_view to_string(channel_status status) noexcept;

struct registry_changed {
  std::string url;
  registry_status status = registry_status::connecting;
  error_code why{};  ///< of the last failure
};
struct channel_changed {
  identity::public_key peer;
  channel_status status = channel_status::closed;
  error_code why{};
};
/// Both watch each other when it says online; when it says offline, they may not.
struct presence_changed {
  identity::public_key key;
  bool online = false;
};
/// Somebody came in with an invitation of ours: a contact now, verified, and worth storing.
struct guest_arrived {
  identity::public_key key;
  std::string name;
  std::string note{};  ///< of the invitation, which is used up: invitation::note()
};
/// An invitation of ours is used up, and nobody new came in: who used it is a contact already, or could not be made
/// one.
struct invitation_used {
  identity::public_key key;
  std::string note;  ///< of the invitation: invitation::note()
};
/// A call reached us and came to nothing: it was no handshake of this contact's, or it was a defective one.
struct call_failed {
  identity::public_key peer;
  error_code why;
};

using socket_event =
    std::variant<registry_changed, channel_changed, presence_changed, guest_arrived, invitation_used, call_failed>;

}  // namespace flowersec::rendezvous
