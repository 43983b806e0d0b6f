// What a client of registries fails with by itself; what a registry said is in rendezvous_errc, what became of a
// connection in endpoint_errc. Layer rendezvous. Source: SECURE_WEBSOCKET, "Errors".
#pragma once

#include <string_view>

#include "flowersec/base/error.h"

namespace flowersec::rendezvous {

enum class client_errc {
  closed = 1,            ///< the client was closed, or is gone
  no_registry,           ///< no registry has registered us at the moment, and nothing is tried any more
  unpinned_registry,     ///< a registry offered no key that we pin: nothing was sent to it, it is not tried again
  too_much_work,         ///< a registry asked for more work than a client does
  registration_timeout,  ///< a registry did not finish the registration in time
  silent_registry,       ///< a registry said nothing for 60 s
  registry_lost,         ///< the connection to a registry ended
  bad_registry_frame,    ///< a registry does not keep to the format
  unknown_contact,       ///< the key is no contact's
  blocked,               ///< the contact is blocked here
  offline,               ///< both watch each other, and the contact went away
  no_answer,             ///< a call: the registry said nothing of it in time
  queue_full,            ///< so many messages, or bytes, wait for this contact already; nothing was taken
  message_too_large,     ///< a message: larger than a frame can carry; nothing was taken
  message_not_json,      ///< a message: not one JSON value; nothing was taken
  bad_peer_frame,        ///< a contact does not keep to the format; the channel ended
  silent_peer,           ///< a contact did not begin to speak in time; the channel ended
  peer_left,             ///< a contact said that it has no more use for the channel
  not_handed_over,       ///< the application threw while it was given a message, which stays unacknowledged
  unknown_call,          ///< a call that is not open any more
  bad_invitation,        ///< an invitation names a registry that the client does not have
};

/// The names of the codes.
[[nodiscard]] std::string_view to_string(client_errc code) noexcept;
[[nodiscard]] const char* describe(client_errc code) noexcept;
[[nodiscard]] error_code make_error_code(client_errc code) noexcept;

}  // namespace flowersec::rendezvous

FLOWERSEC_REGISTER_ERRC(flowersec::rendezvous::client_errc)
