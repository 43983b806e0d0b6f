// JSON forms around attach tokens: the token's payload, the public keyset file and the private key file.
// Layer messages. Source: PROTOCOL, "Attach token" and "Key files".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/messages/decode_error.h"
#include "flowersec/messages/sensitive_text.h"

namespace flowersec::messages::token::v1 {

/// Payload of an attach token. `role` is a plain number: a verifier checks it in its place in the order of checks.
struct token_payload {
  std::string kid;
  std::string aud;
  std::optional<std::string> iss = std::nullopt;  ///< left out when empty
  std::string channel_id;
  std::uint8_t role = 0;
  std::string token_id;
  std::int64_t init_exp = 0;              ///< Unix seconds
  std::int32_t idle_timeout_seconds = 0;  ///< > 0
  std::int64_t iat = 0;                   ///< Unix seconds
  std::int64_t exp = 0;                   ///< Unix seconds

  friend bool operator==(const token_payload&, const token_payload&) = default;
};

struct keyset_entry {
  std::string kid;
  std::string pubkey_b64u;

  friend bool operator==(const keyset_entry&, const keyset_entry&) = default;
};

struct keyset_file {
  std::vector<keyset_entry> keys;
};

struct private_key_file {
  std::string kid;
  sensitive_text privkey_b64u;  ///< seed then public key, 64 bytes, base64url
};

/// Compact JSON in signing order; `iss` is left out when absent or empty.
[[nodiscard]] std::string encode(const token_payload& payload);
[[nodiscard]] decoded<token_payload> decode_token_payload(std::string_view text);

/// Indented by two spaces, without a final newline, entries in the order given.
[[nodiscard]] std::string encode(const keyset_file& file);
/// JSON types only; the rules about entries belong to who loads the keys.
[[nodiscard]] decoded<keyset_file> decode_keyset_file(std::string_view text);

/// Indented by two spaces, without a final newline. Contains the private key.
[[nodiscard]] std::string encode(const private_key_file& file);
/// Strict: an unknown key is an error. Builds no JSON tree, so that no copy of the key stays behind in memory.
[[nodiscard]] decoded<private_key_file> decode_private_key_file(std::string_view text);

}  // namespace flowersec::messages::token::v1
