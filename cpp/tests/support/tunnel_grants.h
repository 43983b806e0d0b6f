// Grants for a tunnel of a test, and how tests dial it.
// Test support.
#pragma once

#include <string>

#include "flowersec/endpoint/connect.h"
#include "support/secret_watch.h"
#include "support/token_mint.h"

namespace flowersec::testing {

inline constexpr std::string_view app_origin = "https://app.example";

/// A grant with a token of its own; both roles of a channel fit each other.
[[nodiscard]] inline endpoint::channel_init_grant make_grant(token_mint& mint, const std::string& tunnel_address,
                                                             const std::string& channel, endpoint::role as) {
  const auto draft = mint.draft(channel, static_cast<int>(as));
  endpoint::channel_init_grant made;
  made.tunnel_url = "ws://" + tunnel_address + "/ws";
  made.channel_id = channel;
  made.channel_init_expire_at_unix_s = draft.init_exp;
  made.idle_timeout_seconds = draft.idle_timeout_seconds;
  made.role = static_cast<messages::controlplane::v1::role>(as);
  made.token = messages::sensitive_text{mint.sign(draft)};
  const std::string psk = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
  testing_support::secret_watch::instance().remember(psk);
  made.e2ee_psk_b64u = messages::sensitive_text{psk};
  made.allowed_suites = {messages::controlplane::v1::suite::x25519_hkdf_sha256_aes_256_gcm};
  made.default_suite = made.allowed_suites[0];
  return made;
}

[[nodiscard]] inline endpoint::connect_options dial_plaintext() {
  endpoint::connect_options options;
  options.origin = app_origin;
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  return options;
}

}  // namespace flowersec::testing
