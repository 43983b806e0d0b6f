#include "flowersec/handshake/key_schedule.h"

#include "flowersec/crypto/kdf.h"

namespace flowersec::handshake {
namespace {

constexpr std::string_view protocol_label = "flowersec-e2ee-v1";
constexpr std::uint8_t protocol_version = 1;
// The client's role byte, on both sides: there is one transcript, not one for each role.
constexpr std::uint8_t transcript_role = 1;

void append_with_length(byte_buffer& to, byte_view bytes) {
  append_be(to, static_cast<std::uint16_t>(bytes.size()));
  append(to, bytes);
}

byte_buffer serialise(const transcript& t) {
  byte_buffer bytes;
  bytes.reserve(512);
  append(bytes, protocol_label);
  append_be(bytes, protocol_version);
  append_be(bytes, static_cast<std::uint16_t>(t.suite));
  append_be(bytes, transcript_role);
  append_be(bytes, t.client_features);
  append_be(bytes, t.server_features);
  append_with_length(bytes, as_bytes(t.channel_id));
  append(bytes, t.nonce_c);
  append(bytes, t.nonce_s);
  append_with_length(bytes, t.client_public_key);
  append_with_length(bytes, t.server_public_key);
  return bytes;
}

nonce_prefix expand_prefix(crypto::hkdf_sha256& prk, std::string_view info) {
  nonce_prefix prefix;
  (void)prk.expand(as_bytes(info), prefix);
  return prefix;
}

}  // namespace

crypto::sha256_digest hash_of(const transcript& t) { return crypto::sha256(serialise(t)); }

crypto::secret_bytes<32> compute_auth_tag(const crypto::psk& psk, const crypto::sha256_digest& transcript_hash,
                                          std::uint64_t timestamp_unix_s) {
  std::array<std::byte, sizeof timestamp_unix_s> time;
  store_be(time.data(), timestamp_unix_s);
  return crypto::hmac_sha256(psk.view(), {transcript_hash, time});
}

traffic_keys derive_traffic_keys(const crypto::psk& psk, const crypto::secret_bytes<32>& shared_secret,
                                 const crypto::sha256_digest& transcript_hash, std::uint32_t common_features) {
  auto prk = crypto::hkdf_sha256::extract(psk.view(), {shared_secret.view(), transcript_hash});
  auto rekey_base = prk.expand<32>("flowersec-e2ee-v1:rekey_base");
  return {.client_to_server = {.key = prk.expand<32>("flowersec-e2ee-v1:c2s:key"),
                               .prefix = expand_prefix(prk, "flowersec-e2ee-v1:c2s:nonce_prefix"),
                               .rekey_base = rekey_base.clone()},
          .server_to_client = {.key = prk.expand<32>("flowersec-e2ee-v1:s2c:key"),
                               .prefix = expand_prefix(prk, "flowersec-e2ee-v1:s2c:nonce_prefix"),
                               .rekey_base = std::move(rekey_base)},
          .transcript_hash = transcript_hash,
          .common_features = common_features};
}

}  // namespace flowersec::handshake
