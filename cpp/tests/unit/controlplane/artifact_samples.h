// Artifacts and requests that tests of the HTTP parts share.
#pragma once

#include "flowersec/controlplane/artifact_endpoint.h"
#include "support/secret_watch.h"

namespace flowersec::controlplane::testing {

/// Texts of a caller or of a grant, which nobody else may see.
inline std::string secret_text(std::string text) {
  flowersec::testing_support::secret_watch::instance().remember(text);
  return text;
}

/// A refusal that may be shown to anybody.
inline void expect_no_secret(const http::response& refusal) {
  flowersec::testing_support::expect_no_secret("an answer", refusal.body);
}

inline messages::controlplane::v1::channel_init_grant sample_grant() {
  namespace wire = messages::controlplane::v1;
  return {.tunnel_url = "wss://t/ws",
          .channel_id = "chan",
          .channel_init_expire_at_unix_s = 1800000120,
          .idle_timeout_seconds = 60,
          .role = wire::role::client,
          .token = messages::sensitive_text{secret_text("FST2.canary.a-signature-that-nobody-may-see")},
          .e2ee_psk_b64u = messages::sensitive_text{secret_text("EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8")},
          .allowed_suites = {wire::suite::x25519_hkdf_sha256_aes_256_gcm},
          .default_suite = wire::suite::x25519_hkdf_sha256_aes_256_gcm};
}

inline token::connect_artifact sample_artifact() { return {.body = sample_grant()}; }

inline http::request sample_request(std::string body = R"({"endpoint_id":"e1"})") {
  return {.method = "POST",
          .target = std::string{default_artifact_path},
          .headers = {{"Content-Type", "application/json"}},
          .body = std::move(body)};
}

/// Gives the same artifact to everybody.
inline void issue_sample(const artifact_question& /*question*/, const issue_reply& reply) { reply(sample_artifact()); }

}  // namespace flowersec::controlplane::testing
