#include "flowersec/controlplane/channel_init.h"

#include <algorithm>
#include <limits>

#include "flowersec/base/base64url.h"
#include "flowersec/base/text.h"
#include "flowersec/crypto/secret.h"
#include "flowersec/messages/tunnel_v1.h"

namespace flowersec::controlplane {
namespace {

namespace wire = messages::controlplane::v1;

constexpr std::size_t random_id_bytes = 24;

bool is_missing(std::string_view text) noexcept { return text.empty() || !is_valid_utf8(text); }

std::chrono::seconds value_or(std::chrono::seconds given, std::chrono::seconds otherwise) noexcept {
  return given.count() == 0 ? otherwise : given;
}

result<std::string> random_id(random_source& random) {
  std::array<std::byte, random_id_bytes> bytes;
  if (!random.fill(bytes)) return controlplane_errc::no_randomness;
  return encode_base64url(bytes);
}

/// The allowed suites without repetitions and zeros; empty when one is unknown, or when zeros are all there is.
std::vector<wire::suite> allowed_suites(const channel_init_options& options) {
  if (options.allowed_suites.empty()) return {wire::suite::x25519_hkdf_sha256_aes_256_gcm};
  std::vector<wire::suite> allowed;
  for (const auto id : options.allowed_suites) {
    if (id == crypto::suite{}) continue;
    if (!crypto::is_known(id)) return {};
    const auto suite = static_cast<wire::suite>(id);
    if (std::find(allowed.begin(), allowed.end(), suite) == allowed.end()) allowed.push_back(suite);
  }
  return allowed;
}

/// `allowed` is not empty.
wire::suite default_suite(const channel_init_options& options, const std::vector<wire::suite>& allowed) noexcept {
  const auto id = options.default_suite.value_or(crypto::suite{});
  return id == crypto::suite{} ? allowed.front() : static_cast<wire::suite>(id);
}

bool has_sound_suites(const channel_init_options& options) {
  const auto allowed = allowed_suites(options);
  return !allowed.empty() &&
         std::find(allowed.begin(), allowed.end(), default_suite(options, allowed)) != allowed.end();
}

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

/// A copy of the grant with a token made for it now. The token never outlives the init window.
result<wire::channel_init_grant> with_new_token(const issuer_keyset& issuer, const channel_init_options& options,
                                                const wire::channel_init_grant& grant, random_source& random,
                                                unix_seconds now) {
  auto token_id = random_id(random);
  if (!token_id) return token_id.error();
  const auto init_exp = grant.channel_init_expire_at_unix_s;
  const auto iat = std::min(count(now), init_exp);
  const auto lifetime = value_or(options.token_lifetime, default_token_lifetime);
  auto token = issuer.sign({.kid = {},
                            .aud = options.audience,
                            .iss = options.issuer,
                            .channel_id = grant.channel_id,
                            .role = static_cast<std::uint8_t>(grant.role),
                            .token_id = std::move(*token_id),
                            .init_exp = init_exp,
                            .idle_timeout_seconds = grant.idle_timeout_seconds,
                            .iat = iat,
                            .exp = std::min(saturating_sum(iat, lifetime.count()), init_exp)});
  if (!token) return token.error();
  auto copy = grant.clone();
  copy.token = std::move(*token);
  return copy;
}

/// Everything but role and token.
result<wire::channel_init_grant> shared_part(const channel_init_options& options, std::string_view channel_id,
                                             random_source& random, unix_seconds now) {
  const auto psk = crypto::psk::generate(random);
  if (!psk) return controlplane_errc::no_randomness;
  auto allowed = allowed_suites(options);
  const auto suite = default_suite(options, allowed);
  const auto idle_timeout = value_or(options.idle_timeout, default_idle_timeout);
  return wire::channel_init_grant{
      .tunnel_url = options.tunnel_url,
      .channel_id = std::string{channel_id},
      .channel_init_expire_at_unix_s = saturating_sum(count(now), channel_init_window.count()),
      .idle_timeout_seconds = static_cast<std::int32_t>(idle_timeout.count()),
      .role = wire::role::client,
      .token = {},
      .e2ee_psk_b64u = messages::sensitive_text{psk->to_base64url()},
      .allowed_suites = std::move(allowed),
      .default_suite = suite};
}

}  // namespace

error_code channel_init_options::validate() const {
  if (is_missing(tunnel_url)) return controlplane_errc::missing_tunnel_url;
  if (is_missing(audience)) return controlplane_errc::missing_audience;
  if (is_missing(issuer)) return controlplane_errc::missing_issuer;
  if (token_lifetime.count() < 0) return controlplane_errc::bad_token_lifetime;
  if (idle_timeout.count() < 0 || !std::in_range<std::int32_t>(idle_timeout.count())) {
    return controlplane_errc::bad_idle_timeout;
  }
  if (clock_skew.count() < 0) return controlplane_errc::bad_clock_skew;
  if (!has_sound_suites(*this)) return controlplane_errc::bad_suite;
  return {};
}

result<channel_grants> issue_channel(const issuer_keyset& issuer, const channel_init_options& options,
                                     std::string_view channel_id, random_source& random, unix_seconds now) {
  if (const auto defect = options.validate()) return defect;
  channel_id = trim(channel_id);
  if (is_missing(channel_id) || channel_id.size() > messages::tunnel::v1::max_channel_id_bytes) {
    return controlplane_errc::bad_channel_id;
  }
  auto grant = shared_part(options, channel_id, random, now);
  if (!grant) return grant.error();
  auto client = with_new_token(issuer, options, *grant, random, now);
  if (!client) return client.error();
  grant->role = wire::role::server;
  auto server = with_new_token(issuer, options, *grant, random, now);
  if (!server) return server.error();
  return channel_grants{std::move(*client), std::move(*server)};
}

result<wire::channel_init_grant> reissue_grant(const issuer_keyset& issuer, const channel_init_options& options,
                                               const wire::channel_init_grant& grant, random_source& random,
                                               unix_seconds now) {
  if (is_missing(options.audience)) return controlplane_errc::missing_audience;
  if (is_missing(options.issuer)) return controlplane_errc::missing_issuer;
  if (grant.idle_timeout_seconds <= 0) return controlplane_errc::bad_idle_timeout;
  if (options.clock_skew.count() < 0) return controlplane_errc::bad_clock_skew;
  if (options.token_lifetime.count() < 0) return controlplane_errc::bad_token_lifetime;
  const auto last = saturating_sum(grant.channel_init_expire_at_unix_s, ceil_seconds(options.clock_skew));
  if (count(now) > last) return controlplane_errc::channel_init_expired;
  return with_new_token(issuer, options, grant, random, now);
}

result<std::string> random_channel_id(random_source& random) { return random_id(random); }

}  // namespace flowersec::controlplane
