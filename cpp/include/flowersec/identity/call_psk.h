// The pre-shared key of a call: what both ends derive, and nobody else can, so that it is never sent.
// Layer identity. Knows neither grants nor sessions: whoever builds a connection out of a grant asks for a call_psk,
// which only the derivation makes. Source: IDENTITY, "The key of a call".
#pragma once

#include "flowersec/identity/contacts.h"

namespace flowersec::identity {

inline constexpr std::size_t max_channel_id_bytes = 256;
inline constexpr std::size_t invitation_secret_bytes = 16;
using invitation_secret = crypto::secret_bytes<invitation_secret_bytes>;

/// A key that came out of a derivation, never out of a message. Move-only.
class call_psk {
 public:
  [[nodiscard]] const crypto::psk& value() const noexcept { return value_; }

 private:
  friend struct call_derivation;
  explicit call_psk(crypto::psk value) noexcept : value_(std::move(value)) {}
  crypto::psk value_;
};

enum class call_role : std::uint8_t { caller, callee };

/// What one end knows of a call. Everything must live until derive() returns.
/// PSK  = HKDF-SHA256(ikm, "flowersec-rv-psk-v2:salt", info, 32)
/// ikm  = DH(a, B) || DH(x, B) || DH(a, Y) [|| "flowersec-rv-psk-v2:invitation" || secret], as the caller sees them
/// info = "flowersec-rv-psk-v2" || u16(length of channel_id) || channel_id || A || B || X || Y
struct call_derivation {
  const identity& own;
  const contact& peer;  ///< from the contact list, never from the grant
  const ephemeral_key& own_ephemeral;
  const public_key& peer_ephemeral;
  std::string_view channel_id;
  const invitation_secret* invitation = nullptr;  ///< of the first call of an invitation

  /// Errors   bad_channel_id; those of identity::agree().
  [[nodiscard]] result<call_psk> derive(call_role role) const;
};

}  // namespace flowersec::identity
