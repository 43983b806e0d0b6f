#include "flowersec/sealed/key.h"

#include "flowersec/base/base64url.h"
#include "flowersec/crypto/hash.h"

namespace flowersec::sealed {

std::optional<public_key> public_key::parse(std::string_view text) noexcept {
  std::array<std::byte, key_bytes> bytes;
  if (!decode_base64url_into(text, bytes)) return std::nullopt;
  return public_key{bytes};
}

std::string public_key::text() const { return encode_base64url(bytes_); }

std::string public_key::kid() const { return encode_base64url(byte_view{crypto::sha256(bytes_)}.first(kid_bytes)); }

key_pair::key_pair(crypto::secret_bytes<key_bytes> private_key, crypto::dh_key_pair agreement)
    : private_(std::move(private_key)),
      agreement_(std::move(agreement)),
      public_(agreement_.public_key().first<key_bytes>()),
      kid_(public_.kid()) {}

result<key_pair> key_pair::generate(random_source& random) {
  crypto::secret_bytes<key_bytes> bytes;
  if (!random.fill(bytes.mutable_view())) return sealed_errc::random_failed;
  return from_private(bytes.view());
}

key_pair key_pair::from_private(std::span<const std::byte, key_bytes> private_key) {
  auto agreement = crypto::dh_key_pair::from_private(crypto::suite::x25519, private_key);
  return key_pair{crypto::secret_bytes<key_bytes>{private_key}, std::move(agreement.value())};
}

}  // namespace flowersec::sealed
