// One audience, one keyset, and an issuer that may be left open.
// Layer tunnel. PROTOCOL, "Token verification".
#include <utility>

#include "flowersec/base/text.h"
#include "flowersec/token/verify.h"
#include "flowersec/tunnel/verifier.h"
#include "tunnel/token_admission.h"

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
    auto admitted = admit_token(*std::move(token), now, limits);
    if (!admitted) return std::nullopt;
    // Issuers share one budget when anybody holding a key may name any issuer.
    admitted->scope.budget_label = label_;
    return admitted;
  }

  [[nodiscard]] std::vector<loaded_keys> loaded() const override {
    return {{.tenant_id = {}, .audience = options_.audience, .issuer = options_.issuer, .key_ids = keys_.kids()}};
  }

 private:
  token::keyset keys_;
  token::verifier_options options_;
  const std::string label_ = budget_label(trim(options_.audience), options_.issuer ? trim(*options_.issuer) : "*");
};

}  // namespace

std::shared_ptr<const token_verifier> make_single_tenant_verifier(token::keyset keys, std::string audience,
                                                                  std::optional<std::string> issuer) {
  return std::make_shared<single_tenant_verifier>(std::move(keys), std::move(audience), std::move(issuer));
}

}  // namespace flowersec::tunnel
