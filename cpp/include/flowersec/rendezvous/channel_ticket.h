// A grant as a registry hands it out: all of it but the key, which only the two peers can derive.
// Layer rendezvous, part `frames`. There is no way from a ticket to a grant but with an identity::call_psk, and that is
// only made by the derivation. Source: REGISTRY, "Frames".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/identity/call_psk.h"
#include "flowersec/messages/controlplane_v1.h"

namespace flowersec::rendezvous {

using ticket_role = messages::controlplane::v1::role;
using ticket_suite = messages::controlplane::v1::suite;
using channel_init_grant = messages::controlplane::v1::channel_init_grant;

/// Move-only, because its token admits whoever shows it.
struct channel_ticket {
  std::string tunnel_url{};
  std::string channel_id{};  ///< 1 to identity::max_channel_id_bytes bytes
  unix_seconds init_expires{};
  std::chrono::seconds idle_timeout{};
  ticket_role role = ticket_role::client;
  messages::sensitive_text token{};
  std::vector<ticket_suite> allowed_suites{};
  ticket_suite default_suite = ticket_suite::x25519_hkdf_sha256_aes_256_gcm;

  /// A second owner of the same values.
  [[nodiscard]] channel_ticket clone() const;
  friend bool operator==(const channel_ticket& a, const channel_ticket& b);
};

/// The JSON of the grant, with 43 times `A` in the place of the key.
[[nodiscard]] std::string encode_ticket(const channel_ticket& ticket);
/// nullopt for what is no grant: types, blank texts, ids too long, suites that are unknown or without the default.
/// The key is not looked at, whatever is in its place.
[[nodiscard]] std::optional<channel_ticket> decode_ticket(std::string_view json);
/// A grant as minted; its key is dropped.
[[nodiscard]] channel_ticket to_ticket(channel_init_grant grant);

/// What an end connects with: endpoint::async_connect() for the caller, async_attach_server() for the callee.
[[nodiscard]] channel_init_grant make_grant(const channel_ticket& ticket, const identity::call_psk& key);

}  // namespace flowersec::rendezvous
