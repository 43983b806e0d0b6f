#include "flowersec/identity/registration.h"

#include <algorithm>
#include <bit>

#include "flowersec/crypto/hash.h"
#include "flowersec/crypto/kdf.h"

namespace flowersec::identity {
namespace {

constexpr std::string_view salt = "flowersec-rv-pop-v1:salt";
constexpr std::string_view key_label = "flowersec-rv-pop-v1";
constexpr std::string_view proof_label = "flowersec-rv-pop-v1:proof";
constexpr std::string_view work_label = "flowersec-rv-pow-v1";

crypto::secret_bytes<proof_bytes> mac_of(const shared_secret& dh, const public_key& client, const public_key& registry,
                                         challenge_view challenge, bool replace) {
  const std::array flag{std::byte{replace}};
  const auto key = registration_key(dh, client, registry);
  return crypto::hmac_sha256(key.view(), {as_bytes(proof_label), challenge, client.view(), registry.view(), flag});
}

crypto::sha256_digest work_digest(challenge_view challenge, const public_key& client, byte_view nonce) {
  // In one piece on the stack: a million of these are on somebody's way in.
  std::array<std::byte, work_label.size() + challenge_bytes + key_bytes + work_nonce_bytes> text;
  auto at = std::ranges::copy(as_bytes(work_label), text.begin()).out;
  at = std::ranges::copy(challenge, at).out;
  at = std::ranges::copy(client.view(), at).out;
  std::ranges::copy(nonce, at);
  return crypto::sha256(text);
}

bool has_zero_bits(const crypto::sha256_digest& digest, unsigned bits) noexcept {
  static_assert(max_work_bits <= 32);
  return static_cast<unsigned>(std::countl_zero(load_be<std::uint32_t>(digest.data()))) >= bits;
}

}  // namespace

crypto::secret_bytes<32> registration_key(const shared_secret& dh, const public_key& client,
                                          const public_key& registry) {
  byte_buffer info;
  append(info, key_label);
  append(info, client.view());
  append(info, registry.view());
  return crypto::hkdf_sha256::extract(as_bytes(salt), {dh.view()}).expand<32>(as_text(info));
}

result<registration_proof> prove_registration(const identity& client, const public_key& registry,
                                              challenge_view challenge, bool replace) {
  const auto dh = client.agree(registry);
  if (!dh) return dh.error();
  const auto mac = mac_of(*dh, client.key(), registry, challenge, replace);
  registration_proof made;
  std::ranges::copy(mac.view(), made.begin());
  return made;
}

result<void> verify_registration(const identity& registry, const public_key& client, challenge_view challenge,
                                 bool replace, byte_view given) {
  const auto dh = registry.agree(client);
  if (!dh) return dh.error();
  const auto mac = mac_of(*dh, client, registry.key(), challenge, replace);
  if (!crypto::constant_time_equal(mac.view(), given)) return identity_errc::bad_proof;
  return {};
}

bool is_work(challenge_view challenge, const public_key& client, unsigned bits, byte_view nonce) {
  return bits <= max_work_bits && nonce.size() == work_nonce_bytes &&
         has_zero_bits(work_digest(challenge, client, nonce), bits);
}

work_search::work_search(challenge_view challenge, const public_key& client, unsigned bits)
    : client_(client), bits_(bits) {
  std::ranges::copy(challenge, challenge_.begin());
}

result<work_search> work_search::begin(challenge_view challenge, const public_key& client, unsigned bits) {
  if (bits > max_work_bits) return identity_errc::too_much_work;
  return work_search{challenge, client, bits};
}

std::optional<work_nonce> work_search::look(std::uint64_t tries) {
  work_nonce nonce;
  for (; tries > 0; --tries) {
    store_be(nonce.data(), next_++);
    if (has_zero_bits(work_digest(challenge_, client_, nonce), bits_)) return nonce;
  }
  return std::nullopt;
}

}  // namespace flowersec::identity
