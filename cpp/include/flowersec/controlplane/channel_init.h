// Mints the pair of grants for one channel, and a fresh token for a grant.
// Layer controlplane. Stateless: every call makes a new pre-shared key and new token ids, also for the same channel id.
// Source: PROTOCOL, "Issuing".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/base/random.h"
#include "flowersec/controlplane/issuer_keyset.h"
#include "flowersec/crypto/suite.h"
#include "flowersec/messages/controlplane_v1.h"

namespace flowersec::controlplane {

/// From minting until the pair can no longer meet. Tunnels with default bounds accept exactly this much.
inline constexpr std::chrono::seconds channel_init_window{120};
inline constexpr std::chrono::seconds default_token_lifetime{60};
inline constexpr std::chrono::seconds default_idle_timeout{60};

struct channel_init_options {
  std::string tunnel_url;  ///< written as given; not empty
  std::string audience;    ///< the tunnel's; written as given; not empty
  std::string issuer;      ///< written as given; not empty
  /// How long a token may be shown; capped at the end of the init window. 0 means the default, as in the tools' flags.
  std::chrono::seconds token_lifetime = default_token_lifetime;
  /// Silence after which the tunnel closes the channel; at most 2^31 - 1 s. 0 means the default, as above.
  std::chrono::seconds idle_timeout = default_idle_timeout;
  /// Only for reissuing: how long after the init window a token is still renewed. Rounded up to whole seconds.
  std::chrono::nanoseconds clock_skew{0};
  std::vector<crypto::suite> allowed_suites;   ///< empty means X25519; repetitions are dropped
  std::optional<crypto::suite> default_suite;  ///< nullopt means the first allowed one

  /// Errors   missing_tunnel_url, missing_audience, missing_issuer, bad_token_lifetime, bad_idle_timeout,
  ///          bad_clock_skew, bad_suite.
  [[nodiscard]] error_code validate() const;
};

/// The two differ in role and token only.
struct channel_grants {
  messages::controlplane::v1::channel_init_grant client;
  messages::controlplane::v1::channel_init_grant server;
};

/// A new pair. The channel id is trimmed.
/// Errors   those of validate(), then bad_channel_id, no_randomness, and token::token_errc::bad_time for a clock that
///          shows no time after 1970.
[[nodiscard]] result<channel_grants> issue_channel(const issuer_keyset& issuer, const channel_init_options& options,
                                                   std::string_view channel_id, random_source& random,
                                                   unix_seconds now);

/// A copy of the grant with a new token: new id, new issue time, new expiry; pre-shared key and init window stay.
/// Options  audience, issuer, token_lifetime and clock_skew; the others are not looked at.
/// Errors   missing_audience, missing_issuer, bad_idle_timeout (of the grant), bad_clock_skew, bad_token_lifetime,
///          channel_init_expired once now is past the init window by more than the skew, no_randomness; and what
///          token::sign_token finds wrong with role or channel id.
[[nodiscard]] result<messages::controlplane::v1::channel_init_grant> reissue_grant(
    const issuer_keyset& issuer, const channel_init_options& options,
    const messages::controlplane::v1::channel_init_grant& grant, random_source& random, unix_seconds now);

/// base64url of 24 random bytes: what the tools use when no channel id is given.
/// Errors   no_randomness.
[[nodiscard]] result<std::string> random_channel_id(random_source& random);

}  // namespace flowersec::controlplane
