// The proof that a client holds its key, made for one registry and one challenge; and work, when a registry asks for
// it. Layer identity. Knows neither frames nor time. Source: IDENTITY, "Proof of registration", "Proof of work".
#pragma once

#include <optional>

#include "flowersec/identity/identity.h"

namespace flowersec::identity {

inline constexpr std::size_t challenge_bytes = 32;
inline constexpr std::size_t proof_bytes = 32;
using challenge_view = std::span<const std::byte, challenge_bytes>;
using registration_proof = std::array<std::byte, proof_bytes>;

/// popkey = HKDF-SHA256(DH, "flowersec-rv-pop-v1:salt", "flowersec-rv-pop-v1" || client || registry).
[[nodiscard]] crypto::secret_bytes<32> registration_key(const shared_secret& dh, const public_key& client,
                                                        const public_key& registry);

/// HMAC-SHA256(popkey, "flowersec-rv-pop-v1:proof" || challenge || client || registry || u8(replace)).
/// Errors   those of identity::agree().
[[nodiscard]] result<registration_proof> prove_registration(const identity& client, const public_key& registry,
                                                            challenge_view challenge, bool replace);

/// The registry's side, in constant time. Errors   bad_proof; those of identity::agree().
[[nodiscard]] result<void> verify_registration(const identity& registry, const public_key& client,
                                               challenge_view challenge, bool replace, byte_view given);

/// Most leading zero bits that may be asked for: a million hashes on average, about a second.
inline constexpr unsigned max_work_bits = 20;
inline constexpr std::size_t work_nonce_bytes = 8;
using work_nonce = std::array<std::byte, work_nonce_bytes>;

/// Whether SHA-256("flowersec-rv-pow-v1" || challenge || client || nonce) begins with `bits` zero bits. False for more
/// than max_work_bits, and for a nonce of another length.
[[nodiscard]] bool is_work(challenge_view challenge, const public_key& client, unsigned bits, byte_view nonce);

/// Looks for a nonce in portions, so that a thread can do other things between them. Tries 0, 1, 2 … as big-endian u64.
class work_search {
 public:
  /// Errors   too_much_work.
  [[nodiscard]] static result<work_search> begin(challenge_view challenge, const public_key& client, unsigned bits);
  /// nullopt when none of the next `tries` was one.
  [[nodiscard]] std::optional<work_nonce> look(std::uint64_t tries);

 private:
  work_search(challenge_view challenge, const public_key& client, unsigned bits);
  std::array<std::byte, challenge_bytes> challenge_{};
  public_key client_;
  unsigned bits_;
  std::uint64_t next_ = 0;
};

}  // namespace flowersec::identity
