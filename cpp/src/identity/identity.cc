#include "flowersec/identity/identity.h"

namespace flowersec::identity {

result<key_pair> key_pair::generate(random_source& random) {
  crypto::secret_bytes<key_bytes> bytes;
  if (!random.fill(bytes.mutable_view())) return identity_errc::no_randomness;
  return from_private(bytes.view());
}

result<key_pair> key_pair::from_private(byte_view private_key) {
  auto pair = crypto::dh_key_pair::from_private(crypto::suite::x25519, private_key);
  if (!pair) return identity_errc::bad_length;
  // A clamped multiple of the base point is canonical and has a large order.
  const auto key = public_key::from_bytes(pair->public_key());
  if (!key) return key.error();
  return key_pair{std::move(*pair), *key};
}

result<shared_secret> key_pair::agree(const public_key& peer) const {
  auto secret = pair_.agree(peer.view());
  if (!secret) return identity_errc::weak_secret;
  return std::move(*secret);
}

result<ephemeral_key> ephemeral_key::generate(random_source& random) {
  auto pair = key_pair::generate(random);
  if (!pair) return pair.error();
  return ephemeral_key{std::move(*pair)};
}

result<identity> identity::generate(random_source& random) {
  crypto::secret_bytes<key_bytes> bytes;
  if (!random.fill(bytes.mutable_view())) return identity_errc::no_randomness;
  return from_private(bytes.view());
}

result<identity> identity::from_private(byte_view private_key) {
  auto pair = key_pair::from_private(private_key);
  if (!pair) return pair.error();
  return identity{{.bytes = crypto::secret_bytes<key_bytes>{private_key.first<key_bytes>()}, .pair = std::move(*pair)}};
}

result<shared_secret> identity::agree(const public_key& peer) const {
  if (!secret_) return identity_errc::destroyed;
  return secret_->pair.agree(peer);
}

result<crypto::secret_bytes<key_bytes>> identity::export_private() const {
  if (!secret_) return identity_errc::destroyed;
  return secret_->bytes.clone();
}

}  // namespace flowersec::identity
