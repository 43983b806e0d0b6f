// From a token whose signature is good to one that this tunnel admits.
// Layer tunnel. Shared by the verifiers, which differ in how they find the keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flowersec/token/verify.h"
#include "flowersec/tunnel/verifier.h"

namespace flowersec::tunnel {

/// Name of a scope's budget and metrics; see token_scope::budget_label.
[[nodiscard]] std::string budget_label(std::string_view audience, std::string_view issuer);

/// nullopt when the token is outside the server's own bounds. The caller names the scope's label and tenant.
[[nodiscard]] std::optional<verified_token> admit_token(token::verified_token token, wall_time now,
                                                        const tunnel_limits& limits);

}  // namespace flowersec::tunnel
