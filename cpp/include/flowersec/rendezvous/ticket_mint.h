// Where a registry gets the tickets of a call from.
// Layer rendezvous, part `registry`. Source: REGISTRY, "Issuer".
#pragma once

#include <functional>
#include <memory>

#include "flowersec/controlplane/channel_init.h"
#include "flowersec/rendezvous/channel_ticket.h"

namespace flowersec::rendezvous {

struct ticket_pair {
  channel_ticket caller;  ///< role client
  channel_ticket callee;  ///< role server
};

/// Asked once for each call; is not told who calls whom.
using ticket_mint = std::function<result<ticket_pair>()>;

/// What calls are minted with: a token is good for 60 s, a silent channel for 300 s.
inline constexpr std::chrono::seconds call_token_lifetime{60};
inline constexpr std::chrono::seconds call_idle_timeout{300};

/// One pair: a channel id of 24 random bytes, and the key that was minted with it forgotten.
/// Errors   those of controlplane::random_channel_id() and issue_channel().
[[nodiscard]] result<ticket_pair> mint_tickets(const controlplane::issuer_keyset& issuer,
                                               const controlplane::channel_init_options& options, random_source& random,
                                               unix_seconds now);

/// The same as a callback. Uses its options as they are.
[[nodiscard]] ticket_mint make_mint(std::shared_ptr<const controlplane::issuer_keyset> issuer,
                                    controlplane::channel_init_options options, random_source& random = system_random(),
                                    const clock_source& clocks = system_clocks());

}  // namespace flowersec::rendezvous
