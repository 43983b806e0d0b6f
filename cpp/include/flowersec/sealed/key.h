// The identity key of a server in public-key mode, X25519: the half that clients pin, and the half that it keeps.
// Layer sealed. Knows neither files nor messages. Source: PROTOCOL, "Sealed open: keys".
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/random.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/sealed/error.h"

namespace flowersec::sealed {

inline constexpr std::size_t key_bytes = 32;
inline constexpr std::size_t kid_bytes = 8;  ///< the first of the SHA-256 of a public key

class public_key {
 public:
  explicit public_key(std::span<const std::byte, key_bytes> bytes) noexcept {
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }

  /// Exactly 43 characters of canonical base64url; nothing is trimmed. A point of small order is accepted here and
  /// shows when something is sealed to it.
  [[nodiscard]] static std::optional<public_key> parse(std::string_view text) noexcept;

  [[nodiscard]] std::span<const std::byte, key_bytes> view() const noexcept { return bytes_; }
  /// The form that parse() takes.
  [[nodiscard]] std::string text() const;
  /// 11 characters.
  [[nodiscard]] std::string kid() const;

  friend bool operator==(const public_key&, const public_key&) = default;

 private:
  std::array<std::byte, key_bytes> bytes_{};
};

/// Both halves. Move-only; the private one is wiped with it.
class key_pair {
 public:
  /// Errors   random_failed.
  [[nodiscard]] static result<key_pair> generate(random_source& random);
  /// Any 32 bytes are a private key.
  [[nodiscard]] static key_pair from_private(std::span<const std::byte, key_bytes> private_key);

  [[nodiscard]] const public_key& public_half() const noexcept { return public_; }
  [[nodiscard]] const std::string& kid() const noexcept { return kid_; }
  /// Valid until this object moves or dies.
  [[nodiscard]] std::span<const std::byte, key_bytes> private_half() const noexcept { return private_.view(); }
  [[nodiscard]] const crypto::dh_key_pair& agreement() const noexcept { return agreement_; }

 private:
  key_pair(crypto::secret_bytes<key_bytes> private_key, crypto::dh_key_pair agreement);

  crypto::secret_bytes<key_bytes> private_;
  crypto::dh_key_pair agreement_;
  public_key public_;
  std::string kid_;
};

}  // namespace flowersec::sealed
