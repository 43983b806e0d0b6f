#include "flowersec/rendezvous/error.h"

#include <array>

namespace flowersec::rendezvous {
namespace {

struct row {
  rendezvous_errc code;
  const char* name;
  const char* text;
};

using enum rendezvous_errc;

constexpr std::array table{
    row{already_registered, "already_registered", "the key is registered elsewhere"},
    row{not_registered, "not_registered", "nothing may be asked before the registration"},
    row{key_mismatch, "key_mismatch", "the key is not the registered one"},
    row{invalid_frame, "invalid_frame", "one side does not keep to the format"},
    row{recipient_unavailable, "recipient_unavailable", "the recipient is not available"},
    row{proof_failed, "proof_failed", "the registry does not accept the proof of the key"},
    row{unknown_registry_key, "unknown_registry_key", "the registry does not have the pinned key any more"},
    row{challenge_expired, "challenge_expired", "the registration came too late"},
    row{pow_required, "pow_required", "the registry asks for a proof of work"},
    row{rate_limited, "rate_limited", "too many at a time"},
    row{replaced, "replaced", "another process took the registration over"},
    row{shutting_down, "shutting_down", "the registry is shutting down"},
    row{refused, "refused", "the registry refused, for a reason of a later version"},
    row{closed, "closed", "the client is closed"},
    row{unpinned_registry, "unpinned_registry", "the registry has none of the pinned keys"},
    row{too_much_work, "too_much_work", "the registry asks for too much work"},
    row{registration_timeout, "registration_timeout", "the registry did not answer the registration in time"},
    row{connection_lost, "connection_lost", "the connection to the registry is gone"},
    row{unknown_contact, "unknown_contact", "the key is no contact, or a blocked one"},
    row{queue_full, "queue_full", "too many messages wait already"},
    row{message_too_large, "message_too_large", "the message is too large"},
    row{message_not_json, "message_not_json", "the message is not JSON"},
    row{bad_ticket, "bad_ticket", "the registry's grant cannot be used"},
    row{channel_failed, "channel_failed", "the channel did not come about"},
    row{channel_lost, "channel_lost", "the channel is gone"},
    row{no_registry, "no_registry", "no registry is connected"},
    row{bad_registry_frame, "bad_registry_frame", "the registry does not keep to the format"},
    row{silent_registry, "silent_registry", "the registry says nothing any more"},
    row{no_answer, "no_answer", "the registry did not answer the call in time"},
    row{offline, "offline", "the contact is offline"},
    row{not_handed_over, "not_handed_over", "the application did not take the message"},
};

constexpr const row* find(rendezvous_errc code) noexcept {
  for (const auto& each : table) {
    if (each.code == code) return &each;
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(rendezvous_errc code) noexcept {
  const auto* found = find(code);
  return found != nullptr ? found->name : "unknown";
}

const char* describe(rendezvous_errc code) noexcept {
  const auto* found = find(code);
  return found != nullptr ? found->text : "unknown rendezvous error";
}

error_code make_error_code(rendezvous_errc code) noexcept {
  static constexpr errc_category<rendezvous_errc> category{"flowersec.rendezvous"};
  return {static_cast<int>(code), category};
}

rendezvous_errc registry_error_named(std::string_view name) noexcept {
  for (const auto& each : table) {
    if (each.code < refused && name == each.name) return each.code;
  }
  return refused;
}

}  // namespace flowersec::rendezvous
