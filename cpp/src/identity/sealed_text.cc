#include "identity/sealed_text.h"

#include <array>

#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_scan.h"
#include "flowersec/crypto/aead.h"
#include "flowersec/crypto/private_file.h"

namespace flowersec::identity {
namespace {

constexpr std::string_view label = "flowersec-identity-file-v1";
constexpr std::string_view kdf = "argon2id";
constexpr std::uint64_t sealed_version = 1;

struct sealed_parts {
  crypto::password_cost cost;
  std::array<std::byte, crypto::password_salt_bytes> salt{};
  std::array<std::byte, crypto::aead_nonce_bytes> nonce{};
  byte_buffer body;  ///< ciphertext || tag
};

struct raw_parts {
  std::string_view version, kdf, passes, memory_kib, salt, nonce, body;
};

bool scan(std::string_view json, raw_parts& into) {
  return scan_json_object(json, [&](const json_member& member) {
    if (member.raw_name == "version") into.version = member.raw_value;
    if (member.raw_name == "kdf") into.kdf = member.raw_value;
    if (member.raw_name == "passes") into.passes = member.raw_value;
    if (member.raw_name == "memory_kib") into.memory_kib = member.raw_value;
    if (member.raw_name == "salt_b64u") into.salt = member.raw_value;
    if (member.raw_name == "nonce_b64u") into.nonce = member.raw_value;
    if (member.raw_name == "sealed_b64u") into.body = member.raw_value;
  });
}

bool read_bytes(std::string_view raw, mutable_byte_view into) {
  const auto text = decode_json_string(raw);
  return text && decode_base64url_into(*text, into);
}

file_result<sealed_parts> read_parts(std::string_view json) {
  const auto refused = [](std::string text) { return file_error{identity_errc::bad_file, std::move(text)}; };
  raw_parts raw;
  sealed_parts parts;
  if (!scan(json, raw)) return refused("not one JSON object");
  if (decode_json_unsigned(raw.version, sealed_version) != sealed_version) return refused("version is not 1");
  if (decode_json_string(raw.kdf) != kdf) return refused("kdf is not argon2id");
  constexpr std::uint64_t any = 0xffffffff;
  parts.cost = {.passes = static_cast<std::uint32_t>(decode_json_unsigned(raw.passes, any).value_or(0)),
                .memory_kib = static_cast<std::uint32_t>(decode_json_unsigned(raw.memory_kib, any).value_or(0))};
  if (!parts.cost.is_valid()) return refused("passes or memory_kib is out of range");
  if (!read_bytes(raw.salt, parts.salt)) return refused("salt_b64u is not base64url of 16 bytes");
  if (!read_bytes(raw.nonce, parts.nonce)) return refused("nonce_b64u is not base64url of 12 bytes");
  const auto text = decode_json_string(raw.body);
  auto body = text ? decode_base64url(*text) : std::nullopt;
  if (!body || body->size() < crypto::aead_tag_bytes) return refused("sealed_b64u is not base64url with a tag");
  parts.body = std::move(*body);
  return parts;
}

bool is_valid_passphrase(std::string_view text) noexcept {
  return !text.empty() && text.size() <= max_passphrase_bytes;
}

}  // namespace

bool is_sealed(std::string_view text) {
  raw_parts raw;
  return scan(text, raw) && !raw.kdf.empty();
}

result<std::string> seal_text(std::string_view text, std::string_view passphrase, random_source& random,
                              crypto::password_cost cost) {
  if (!is_valid_passphrase(passphrase)) return identity_errc::bad_passphrase;
  sealed_parts parts{.cost = cost, .body = byte_buffer(text.size() + crypto::aead_tag_bytes)};
  if (!random.fill(parts.salt) || !random.fill(parts.nonce)) return identity_errc::no_randomness;
  const auto key = crypto::key_from_password(passphrase, parts.salt, cost);
  if (!key) return key.error();
  crypto::aes_256_gcm_sealer sealer{key->view()};
  const mutable_byte_view body{parts.body};
  (void)sealer.seal(parts.nonce, as_bytes(label), as_bytes(text), body.first(text.size()),
                    body.last<crypto::aead_tag_bytes>());
  std::string json;
  json_object_writer{json}
      .field("version", sealed_version)
      .field("kdf", kdf)
      .field("passes", cost.passes)
      .field("memory_kib", cost.memory_kib)
      .field("salt_b64u", encode_base64url(parts.salt))
      .field("nonce_b64u", encode_base64url(parts.nonce))
      .field("sealed_b64u", encode_base64url(parts.body))
      .end();
  return json += '\n';
}

file_result<secret_text> open_text(std::string_view sealed, std::string_view passphrase) {
  const auto refused = [](error_code code) { return file_error{code, code.message()}; };
  if (!is_valid_passphrase(passphrase)) return refused(identity_errc::bad_passphrase);
  auto parts = read_parts(sealed);
  if (!parts) return parts.error();
  const auto key = crypto::key_from_password(passphrase, parts->salt, parts->cost);
  if (!key) return refused(key.error());
  const byte_view body{parts->body};
  std::string text(body.size() - crypto::aead_tag_bytes, '\0');
  crypto::aes_256_gcm_opener opener{key->view()};
  const bool genuine =
      opener.open(parts->nonce, as_bytes(label), body.first(text.size()),
                  std::as_writable_bytes(std::span{text.data(), text.size()}), body.last<crypto::aead_tag_bytes>());
  if (!genuine) return refused(identity_errc::wrong_passphrase);
  return secret_text{std::move(text)};
}

}  // namespace flowersec::identity
