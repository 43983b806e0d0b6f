// Who we are: an X25519 key pair, and the pairs that live for one call.
// Layer identity. Source: IDENTITY, "Keys".
#pragma once

#include <optional>

#include "flowersec/base/random.h"
#include "flowersec/crypto/dh.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/identity/public_key.h"

namespace flowersec::identity {

/// The raw X25519 output of two keys.
using shared_secret = crypto::secret_bytes<crypto::shared_secret_bytes>;

/// A key pair. Move-only; the private half is wiped with it. Safe to agree() from several threads at once.
class key_pair {
 public:
  /// Errors   no_randomness.
  [[nodiscard]] static result<key_pair> generate(random_source& random);
  /// Any 32 bytes are a private key. Errors   bad_length.
  [[nodiscard]] static result<key_pair> from_private(byte_view private_key);

  [[nodiscard]] const public_key& key() const noexcept { return key_; }
  /// Errors   weak_secret.
  [[nodiscard]] result<shared_secret> agree(const public_key& peer) const;

 private:
  key_pair(crypto::dh_key_pair pair, public_key key) noexcept : pair_(std::move(pair)), key_(key) {}
  crypto::dh_key_pair pair_;
  public_key key_;
};

/// The pair of one call. A type of its own, so that nothing long-lived takes its place.
class ephemeral_key {
 public:
  /// Errors   no_randomness.
  [[nodiscard]] static result<ephemeral_key> generate(random_source& random);
  /// For test values.
  explicit ephemeral_key(key_pair pair) noexcept : pair_(std::move(pair)) {}

  /// What `call` and `accept` carry.
  [[nodiscard]] const public_key& key() const noexcept { return pair_.key(); }
  [[nodiscard]] result<shared_secret> agree(const public_key& peer) const { return pair_.agree(peer); }

 private:
  key_pair pair_;
};

/// A lasting identity. Nothing but export_private() returns private bytes. destroy() must not run beside other calls.
class identity {
 public:
  /// Errors   no_randomness.
  [[nodiscard]] static result<identity> generate(random_source& random);
  /// 32 bytes. Errors   bad_length.
  [[nodiscard]] static result<identity> from_private(byte_view private_key);

  /// Stays after destroy().
  [[nodiscard]] const public_key& key() const noexcept { return key_; }
  /// Errors   weak_secret, destroyed.
  [[nodiscard]] result<shared_secret> agree(const public_key& peer) const;
  /// The private key, for a file of the user's own making. Errors   destroyed.
  [[nodiscard]] result<crypto::secret_bytes<key_bytes>> export_private() const;
  /// Wipes the private key. What was derived from it before lives on elsewhere: contacts::wipe().
  void destroy() noexcept { secret_.reset(); }

 private:
  struct secret_half {
    crypto::secret_bytes<key_bytes> bytes;
    key_pair pair;
  };
  explicit identity(secret_half secret) noexcept : key_(secret.pair.key()), secret_(std::move(secret)) {}

  public_key key_;
  std::optional<secret_half> secret_;
};

}  // namespace flowersec::identity
