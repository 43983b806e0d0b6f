// An issuer for tests: signs attach tokens and writes attach messages.
// Test support.
#pragma once

#include <array>
#include <string>

#include "flowersec/messages/tunnel_v1.h"
#include "flowersec/token/keyset.h"
#include "flowersec/token/sign.h"
#include "flowersec/tunnel/verifier.h"
#include "support/secret_watch.h"

namespace flowersec::testing {

class token_mint {
 public:
  using payload = messages::token::v1::token_payload;

  /// Mints of the same seed sign with the same key.
  explicit token_mint(std::int64_t now_unix_s, std::string audience = "aud", std::string issuer = "iss",
                      std::byte seed = std::byte{0x5a})
      : now(now_unix_s), audience_(std::move(audience)), issuer_(std::move(issuer)), key_(make_key(seed)) {}

  std::int64_t now;

  /// A good token; change what the test is about.
  [[nodiscard]] payload draft(std::string channel_id, int role) {
    return {.kid = "k1",
            .aud = audience_,
            .iss = issuer_,
            .channel_id = std::move(channel_id),
            .role = static_cast<std::uint8_t>(role),
            .token_id = "token-" + std::to_string(++minted_),
            .init_exp = now + 100,
            .idle_timeout_seconds = 60,
            .iat = now,
            .exp = now + 60};
  }
  [[nodiscard]] std::string sign(const payload& p) const {
    std::string token{token::sign_token(p, key_).value().view()};
    testing_support::secret_watch::instance().remember(token);
    return token;
  }
  [[nodiscard]] static std::string attach_text(std::string_view channel_id, int role, std::string_view token) {
    messages::tunnel::v1::attach message;
    message.v = 1;
    message.channel_id = channel_id;
    message.role = static_cast<messages::tunnel::v1::role>(role);
    message.token = messages::sensitive_text{token};
    message.endpoint_instance_id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    return encode(message);
  }
  [[nodiscard]] std::string attach_text(const payload& p) const { return attach_text(p.channel_id, p.role, sign(p)); }
  [[nodiscard]] std::string attach_text(std::string channel_id, int role) {
    return attach_text(draft(std::move(channel_id), role));
  }

  [[nodiscard]] token::keyset keys() const {
    token::keyset keys;
    keys.add("k1", key_.public_key());
    return keys;
  }
  [[nodiscard]] std::shared_ptr<const tunnel::token_verifier> verifier() const {
    return tunnel::make_single_tenant_verifier(keys(), audience_, issuer_);
  }
  /// This mint's issuer as one tenant of several.
  [[nodiscard]] tunnel::tenant tenant(std::string id = {}) const { return {std::move(id), audience_, issuer_, keys()}; }
  /// Accepts any issuer whose token a key of the set signed.
  [[nodiscard]] std::shared_ptr<const tunnel::token_verifier> open_verifier() const {
    return tunnel::make_single_tenant_verifier(keys(), audience_, std::nullopt);
  }

 private:
  [[nodiscard]] static crypto::ed25519_signing_key make_key(std::byte seed) {
    std::array<std::byte, crypto::ed25519_seed_bytes> bytes;
    bytes.fill(seed);
    return crypto::ed25519_signing_key::from_seed(bytes);
  }

  std::string audience_;
  std::string issuer_;
  crypto::ed25519_signing_key key_;
  int minted_ = 0;
};

}  // namespace flowersec::testing
