#include "flowersec/crypto/secret.h"

#include <sodium.h>

#include <cstdlib>

#include "crypto/sodium.h"
#include "flowersec/base/base64url.h"

namespace flowersec::crypto {

void prepare_sodium() noexcept {
  // Fails only when the system has no source of entropy at all; nothing above can go on then.
  static const int ready = sodium_init();
  if (ready < 0) std::abort();
}

void wipe(mutable_byte_view bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

bool constant_time_equal(byte_view a, byte_view b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<psk> psk::from_base64url(std::string_view text) noexcept {
  secret_bytes<size> bytes;
  if (!decode_base64url_into(text, bytes.mutable_view())) return std::nullopt;
  return psk{std::move(bytes)};
}

std::optional<psk> psk::generate(random_source& random) noexcept {
  secret_bytes<size> bytes;
  if (!random.fill(bytes.mutable_view())) return std::nullopt;
  return psk{std::move(bytes)};
}

std::string psk::to_base64url() const { return encode_base64url(view()); }

}  // namespace flowersec::crypto
