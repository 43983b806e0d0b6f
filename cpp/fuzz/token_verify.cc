// Any text as a token, and any text as the payload of a correctly signed one, so that the checks behind the signature
// are reached too.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/base/base64url.h"
#include "flowersec/crypto/sign.h"
#include "flowersec/token/verify.h"

using namespace flowersec;

namespace {

struct issuer {
  crypto::ed25519_signing_key key = crypto::ed25519_signing_key::from_seed(std::array<std::byte, 32>{});
  token::keyset keys;
  issuer() { keys.add("k", key.public_key()); }
};

void check(std::string_view text, const token::keyset& keys) {
  const token::verifier_options options{.audience = "a", .issuer = std::nullopt};
  const wall_time now{std::chrono::seconds{1700000000}};
  const auto verified = token::verify_token(text, keys, options, now);
  if (!verified) return;
  if (verified->kid != "k" || verified->aud != "a" || verified->channel_id.empty() ||
      verified->channel_id.size() > 256 || count(verified->iat) > count(verified->exp) ||
      count(verified->exp) > count(verified->init_exp) || count(verified->exp) < 1700000000 - 30 ||
      verified->idle_timeout.count() <= 0) {
    std::abort();
  }
  (void)token::check_server_bounds(*verified, {}, now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const issuer signer;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check(text, signer.keys);
  auto token = "FST2." + encode_base64url(as_bytes(text));
  const auto signature = signer.key.sign(as_bytes(token));
  check(token + "." + encode_base64url(signature), signer.keys);
  return 0;
}
