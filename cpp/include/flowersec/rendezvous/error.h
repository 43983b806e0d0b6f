// Errors of the rendezvous layer: what a registry says, and what a client finds by itself.
// Layer rendezvous, part `frames`. Source: REGISTRY, "Frames".
#pragma once

#include <string_view>

#include "flowersec/base/error.h"

namespace flowersec::rendezvous {

/// The names are those of the wire, as far as a registry says them.
enum class rendezvous_errc {
  // In `error` frames.
  already_registered = 1,  ///< the key is in use and `replace` was not asked for. Fatal
  not_registered,          ///< a frame before `register` succeeded. Fatal
  key_mismatch,            ///< a `from` other than the registered key; in the compatible mode only
  invalid_frame,           ///< not a frame of the format, or one out of turn. Fatal without a rid
  recipient_unavailable,   ///< absent, blocks the caller, declined, or silent: one code for all
  proof_failed,            ///< the proof of registration does not verify. Fatal
  unknown_registry_key,    ///< the proof was made for another registry key. Fatal
  challenge_expired,       ///< the registration came too late. Fatal
  pow_required,            ///< the challenge asked for work, and none that suffices was shown. Fatal
  rate_limited,            ///< too many registrations, calls or keys; fatal before the registration
  replaced,                ///< another process registered the key. Fatal; do not reconnect
  shutting_down,           ///< the registry ends. Fatal; reconnect later
  refused,                 ///< received only: a code that this version does not know

  // Found by a client.
  closed,                ///< the client was closed
  unpinned_registry,     ///< no key that the registry offers is pinned
  too_much_work,         ///< the registry asks for more work than a client does
  registration_timeout,  ///< no `registered` in time
  connection_lost,       ///< the connection to the registry ended
  unknown_contact,       ///< the key is no contact, or a blocked one
  queue_full,            ///< too many messages wait already; nothing was taken
  message_too_large,     ///< the message does not fit in a frame; nothing was taken
  message_not_json,      ///< not one JSON value; nothing was taken
  bad_ticket,            ///< a grant that nothing can be connected with
  channel_failed,        ///< the channel did not come about, or the peer does not keep to the format
  channel_lost,          ///< the channel ended
  no_registry,           ///< no registry has us registered, and none is tried any more
  bad_registry_frame,    ///< the registry does not keep to the format
  silent_registry,       ///< the registry said nothing for 60 s
  no_answer,             ///< the registry said nothing of a call in time
  offline,               ///< the contact and we watch each other, and it went away
  not_handed_over,       ///< the application threw while it was given a message
};

/// The name of the wire, or of the value.
[[nodiscard]] std::string_view to_string(rendezvous_errc code) noexcept;
[[nodiscard]] const char* describe(rendezvous_errc code) noexcept;
[[nodiscard]] error_code make_error_code(rendezvous_errc code) noexcept;

/// What a registry says by a name; `refused` for any other.
[[nodiscard]] rendezvous_errc registry_error_named(std::string_view name) noexcept;

}  // namespace flowersec::rendezvous

FLOWERSEC_REGISTER_ERRC(flowersec::rendezvous::rendezvous_errc)
