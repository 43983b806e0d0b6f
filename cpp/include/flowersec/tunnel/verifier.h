// What the tunnel asks of a token: is it good, and whose is it.
// Layer tunnel. The interface is keyed by scope, so that one verifier may serve many tenants.
// Source: PROTOCOL, "Token verification". Implementations are called from every I/O thread at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "flowersec/base/clock.h"
#include "flowersec/token/keyset.h"
#include "flowersec/tunnel/limits.h"

namespace flowersec::tunnel {

enum class endpoint_role : std::uint8_t { client = 1, server = 2 };

/// The room a token is valid in: pairing, replay and budgets never cross it.
struct token_scope {
  std::string audience;
  std::string issuer;  ///< may be empty when the verifier expects no particular issuer
  /// Names the budget, and is the `tenant` label: audience|issuer, or audience|* when any issuer is accepted.
  std::string budget_label;
  std::string tenant_id;  ///< metadata of the configuration; empty when there is none

  [[nodiscard]] bool operator==(const token_scope&) const noexcept = default;
};

/// A token that passed. All texts trimmed.
struct verified_token {
  token_scope scope;
  std::string channel_id;
  endpoint_role role = endpoint_role::client;
  std::string token_id;
  std::int64_t init_exp = 0;
  std::int32_t idle_timeout_seconds = 0;
  std::int64_t iat = 0;
  std::int64_t exp = 0;
};

class token_verifier {
 public:
  virtual ~token_verifier() = default;
  /// Format, key, signature, scope, times, and the server's own bounds on lifetime and init window.
  /// nullopt for every defect: outside they must look the same.
  [[nodiscard]] virtual std::optional<verified_token> verify(std::string_view token, wall_time now,
                                                             const tunnel_limits& limits) const = 0;
};

/// One audience and one set of issuer keys. Without `issuer`, any issuer signed by a key of the set is accepted and the
/// scope is the token's own (aud, iss), while the budget is shared by all of them.
[[nodiscard]] std::shared_ptr<const token_verifier> make_single_tenant_verifier(token::keyset keys,
                                                                                std::string audience,
                                                                                std::optional<std::string> issuer);

}  // namespace flowersec::tunnel
