#include "flowersec/sealed/box.h"

#include "flowersec/crypto/aead.h"
#include "flowersec/crypto/kdf.h"

namespace flowersec::sealed {
namespace {

constexpr std::string_view format = "ownwire-seal-v1";
constexpr std::string_view key_label = "ownwire-seal-v1:key";
constexpr std::string_view nonce_label = "ownwire-seal-v1:nonce";

static_assert(box_bytes == key_bytes + crypto::psk::size + crypto::aead_tag_bytes);

/// What both ends derive from the shared secret. A sealing pair seals one message, so the nonce may follow from it.
struct seal_keys {
  crypto::secret_bytes<crypto::aead_key_bytes> key;
  crypto::secret_bytes<crypto::aead_nonce_bytes> nonce;
};

seal_keys derive(byte_view shared, byte_view sealing_key, const public_key& gateway) {
  std::array<std::byte, 2 * key_bytes> salt;
  std::copy(sealing_key.begin(), sealing_key.end(), salt.begin());
  std::copy(gateway.view().begin(), gateway.view().end(), salt.begin() + key_bytes);
  auto keys = crypto::hkdf_sha256::extract(salt, {shared});
  return {.key = keys.expand<crypto::aead_key_bytes>(key_label),
          .nonce = keys.expand<crypto::aead_nonce_bytes>(nonce_label)};
}

byte_buffer associated_data(std::string_view channel_id) {
  byte_buffer data;
  append(data, format);
  append_be(data, static_cast<std::uint16_t>(channel_id.size()));
  append(data, channel_id);
  return data;
}

bool has_valid_size(std::string_view channel_id) noexcept {
  return !channel_id.empty() && channel_id.size() <= max_channel_id_bytes;
}

}  // namespace

result<box> seal(const public_key& gateway, std::string_view channel_id, const crypto::psk& psk,
                 random_source& random) {
  if (!has_valid_size(channel_id)) return sealed_errc::bad_channel_id;
  const auto sealing = crypto::dh_key_pair::generate(crypto::suite::x25519, random);
  if (!sealing) return sealed_errc::random_failed;
  const auto shared = sealing->agree(gateway.view());
  if (!shared) return sealed_errc::weak_key;
  const auto keys = derive(shared->view(), sealing->public_key(), gateway);
  const auto aad = associated_data(channel_id);

  box sealed;
  const std::span all{sealed};
  std::copy(sealing->public_key().begin(), sealing->public_key().end(), sealed.begin());
  crypto::aes_256_gcm_sealer sealer{keys.key.view()};
  (void)sealer.seal(keys.nonce.view(), aad, psk.view(), all.subspan<key_bytes, crypto::psk::size>(),
                    all.last<crypto::aead_tag_bytes>());
  return sealed;
}

result<crypto::psk> open(const key_pair& gateway, std::string_view channel_id, byte_view sealed) {
  if (sealed.size() != box_bytes || !has_valid_size(channel_id)) return sealed_errc::not_opened;
  const auto sealing_key = sealed.first(key_bytes);
  const auto shared = gateway.agreement().agree(sealing_key);
  if (!shared) return sealed_errc::not_opened;
  const auto keys = derive(shared->view(), sealing_key, gateway.public_half());
  const auto aad = associated_data(channel_id);

  crypto::secret_bytes<crypto::psk::size> opened;
  crypto::aes_256_gcm_opener opener{keys.key.view()};
  const bool genuine = opener.open(keys.nonce.view(), aad, sealed.subspan(key_bytes, crypto::psk::size),
                                   opened.mutable_view(), sealed.last<crypto::aead_tag_bytes>());
  if (!genuine) return sealed_errc::not_opened;
  return crypto::psk{std::move(opened)};
}

}  // namespace flowersec::sealed
