#include "flowersec/identity/legacy.h"

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"

namespace flowersec::identity {

result<legacy_secret> legacy_secret_of(const identity& own, const public_key& peer) {
  const auto dh = own.agree(peer);
  if (!dh) return dh.error();
  return crypto::box_key(dh->view());
}

std::string legacy_seal(const legacy_secret& secret, legacy_nonce nonce, std::string_view text) {
  return encode_base64url(crypto::secretbox_seal(secret.view(), nonce, as_bytes(text)));
}

std::optional<std::string> legacy_open(const legacy_secret& secret, legacy_nonce nonce, std::string_view message) {
  const auto sealed = decode_base64url(message);
  if (!sealed) return std::nullopt;
  const auto clear = crypto::secretbox_open(secret.view(), nonce, *sealed);
  if (!clear || !is_valid_utf8(as_text(*clear))) return std::nullopt;
  return std::string{as_text(*clear)};
}

}  // namespace flowersec::identity
