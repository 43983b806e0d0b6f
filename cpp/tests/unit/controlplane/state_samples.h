// Keys, credentials and tickets for tests of the state file.
#pragma once

#include <string>

#include "flowersec/base/base64url.h"
#include "flowersec/controlplane/state_store.h"
#include "support/secret_watch.h"

namespace flowersec::testing {

inline crypto::ed25519_signing_key sample_key(int number) {
  std::array<std::byte, crypto::ed25519_seed_bytes> seed{};
  seed.fill(static_cast<std::byte>(number));
  testing_support::secret_watch::instance().remember(encode_base64url(seed));
  return crypto::ed25519_signing_key::from_seed(seed);
}

inline const char* name_of(controlplane::key_state state) {
  switch (state) {
    case controlplane::key_state::published:
      return "published";
    case controlplane::key_state::signing:
      return "signing";
    case controlplane::key_state::replaced:
      return "replaced";
  }
  return "broken";
}

/// How a refusal calls itself; its text is looked through. Empty: it is none.
template <class Outcome>
error_code code_of(const Outcome& got) {
  if (got) return {};
  testing_support::expect_no_secret("a refusal", got.error().text);
  return got.error().code;
}

/// The key is made of the hash of the id, so two ids have two keys.
inline controlplane::endpoint_credential sample_credential(const std::string& endpoint_id) {
  const auto key = crypto::sha256(as_bytes(endpoint_id));
  testing_support::secret_watch::instance().remember(encode_base64url(key));
  return {.endpoint_id = endpoint_id,
          .channel_id = "of " + endpoint_id.substr(0, 200) + std::to_string(endpoint_id.size()),
          .psk = crypto::psk{crypto::secret_bytes<crypto::psk::size>{key}},
          .init_exp = unix_seconds{1'800'000'000},
          .suite = crypto::suite::p256};
}

inline crypto::sha256_digest hash_of(std::string_view ticket) { return crypto::sha256(as_bytes(ticket)); }

inline controlplane::ticket_record sample_ticket(std::string_view text, const std::string& endpoint_id,
                                                 unix_seconds expires_at) {
  return {.hash = hash_of(text), .endpoint_id = endpoint_id, .uses = 1, .expires_at = expires_at};
}

inline controlplane::issue_record sample_issue(const std::string& endpoint_id, const std::string& channel_id,
                                               unix_seconds expires_at) {
  return {.endpoint_id = endpoint_id, .channel_id = channel_id, .expires_at = expires_at, .ticket = std::nullopt};
}

}  // namespace flowersec::testing
