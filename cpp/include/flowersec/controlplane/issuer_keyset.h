// The issuer's keys: one that signs, and those published for verifiers, itself among them.
// Layer controlplane. Every call may come from any thread.
// Source: PROTOCOL, "Key files".
//
// To rotate without refusing anybody: publish the new public key, bring the overlap keyset to every tunnel, rotate,
// wait until the last old token is past its expiry plus the verifiers' skew, retire the old key, bring the keyset
// again.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "flowersec/controlplane/error.h"
#include "flowersec/crypto/sign.h"
#include "flowersec/messages/sensitive_text.h"
#include "flowersec/messages/token_v1.h"

namespace flowersec::controlplane {

class issuer_keyset {
 public:
  /// Errors   blank_kid. The id is trimmed, here and everywhere below.
  [[nodiscard]] static result<issuer_keyset> create(std::string_view kid, crypto::ed25519_signing_key key);
  /// With a new random key. Errors   blank_kid, no_randomness.
  [[nodiscard]] static result<issuer_keyset> generate(std::string_view kid, random_source& random);
  /// From the text of a private key file; only the active key is in it. The public half is derived again and compared.
  /// Errors   bad_key_file, with the defect in the text.
  [[nodiscard]] static outcome<issuer_keyset> from_private_key_file(std::string_view text);
  /// The same from disk, with the path in the text of every failure.
  [[nodiscard]] static outcome<issuer_keyset> load_private_key_file(const std::filesystem::path& path);

  issuer_keyset(issuer_keyset&&) noexcept;
  issuer_keyset& operator=(issuer_keyset&&) noexcept;
  ~issuer_keyset();

  [[nodiscard]] std::string current_kid() const;
  /// A snapshot, in byte order of the ids.
  [[nodiscard]] std::map<std::string, crypto::ed25519_public_key> public_keys() const;

  /// Signs with the active key, whose id replaces payload.kid.
  /// Errors   those of token::sign_token.
  [[nodiscard]] result<messages::sensitive_text> sign(messages::token::v1::token_payload payload) const;

  /// Adds a verification key; the same id with the same key again changes nothing.
  /// Errors   blank_kid, kid_conflict.
  [[nodiscard]] error_code publish(std::string_view kid, const crypto::ed25519_public_key& key);
  /// Makes a published key the signing key. The previous public key stays published, its private half is wiped.
  /// Errors   blank_kid, unknown_kid, key_mismatch.
  [[nodiscard]] error_code rotate(std::string_view kid, crypto::ed25519_signing_key key);
  /// Errors   blank_kid, active_kid, unknown_kid.
  [[nodiscard]] error_code retire(std::string_view kid);

  /// Text of the public keyset file: indented, sorted by id, no final newline. Meant for mode 0644.
  [[nodiscard]] std::string export_keyset_file() const;
  /// Text of the private key file of the active key: indented, no final newline. Meant for mode 0600.
  [[nodiscard]] messages::sensitive_text export_private_key_file() const;

 private:
  struct state;
  explicit issuer_keyset(std::unique_ptr<state> keys) noexcept;

  std::unique_ptr<state> state_;
};

}  // namespace flowersec::controlplane
