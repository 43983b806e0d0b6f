// One audience, one keyset, and an issuer that may be left open.
// Layer tunnel. PROTOCOL, "Token verification".
#include <utility>

#include "flowersec/token/verify.h"
#include "flowersec/tunnel/verifier.h"

namespace flowersec::tunnel {

namespace {

class single_tenant_verifier final : public token_verifier {
 public:
  single_tenant_verifier(token::keyset keys, std::string audience, std::optional<std::string> issuer)
      : keys_(std::move(keys)), options_{.audience = std::move(audience), .issuer = std::move(issuer)} {}

  [[nodiscard]] std::optional<verified_token> verify(std::string_view text, wall_time now,
                                                     const tunnel_limits& limits) const override {
    auto token = token::verify_token(text, keys_, options_, now);
    if (!token) return std::nullopt;
    const auto bounded = with_bounded_times(limits);
    const token::server_bounds bounds{.max_token_lifetime = bounded.max_token_lifetime,
                                      .max_init_horizon = bounded.max_init_horizon};
    if (token::check_server_bounds(*token, bounds, now)) return std::nullopt;
    verified_token verified;
    // Issuers share one budget when anybody holding a key may name any issuer.
    verified.scope.budget_label = token->aud + '|' + (options_.issuer ? token->iss : "*");
    verified.scope.audience = std::move(token->aud);
    verified.scope.issuer = std::move(token->iss);
    verified.channel_id = std::move(token->channel_id);
    verified.role = static_cast<endpoint_role>(token->role);
    verified.token_id = std::move(token->token_id);
    verified.init_exp = count(token->init_exp);
    verified.idle_timeout_seconds = static_cast<std::int32_t>(token->idle_timeout.count());
    verified.iat = count(token->iat);
    verified.exp = count(token->exp);
    return verified;
  }

 private:
  token::keyset keys_;
  token::verifier_options options_;
};

}  // namespace

std::shared_ptr<const token_verifier> make_single_tenant_verifier(token::keyset keys, std::string audience,
                                                                  std::optional<std::string> issuer) {
  return std::make_shared<single_tenant_verifier>(std::move(keys), std::move(audience), std::move(issuer));
}

}  // namespace flowersec::tunnel
