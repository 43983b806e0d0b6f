// What the tunnel asks of a token: is it good, and whose is it.
// Layer tunnel. The interface is keyed by scope, so that one verifier may serve many tenants.
// Source: PROTOCOL, "Token verification". Implementations are called from every I/O thread at once.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/base/clock.h"
#include "flowersec/token/keyset.h"
#include "flowersec/tunnel/limits.h"

namespace flowersec::tunnel {

enum class endpoint_role : std::uint8_t { client = 1, server = 2 };

/// The room a token is valid in: pairing, replay and budgets never cross it.
struct token_scope {
  std::string audience;
  std::string issuer;  ///< may be empty when the verifier expects no particular issuer
  /// Names the budget, and is the `tenant` label: audience|issuer, or audience|* when any issuer is accepted. Bars and
  /// backslashes inside a part are escaped by a backslash, so that no two scopes share a label.
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

/// What a verifier is loaded with, for whoever asks whether it is ready. Names only.
struct loaded_keys {
  std::string tenant_id;  ///< empty when there is none
  std::string audience;
  std::optional<std::string> issuer;  ///< nullopt: any
  std::vector<std::string> key_ids;   ///< in byte order
};

class token_verifier {
 public:
  virtual ~token_verifier() = default;
  /// Format, key, signature, scope, times, and the server's own bounds on lifetime and init window.
  /// nullopt for every defect: outside they must look the same.
  [[nodiscard]] virtual std::optional<verified_token> verify(std::string_view token, wall_time now,
                                                             const tunnel_limits& limits) const = 0;
  /// One entry per tenant.
  [[nodiscard]] virtual std::vector<loaded_keys> loaded() const { return {}; }
};

/// One audience and one set of issuer keys. Without `issuer`, any issuer signed by a key of the set is accepted and the
/// scope is the token's own (aud, iss), while the budget is shared by all of them.
[[nodiscard]] std::shared_ptr<const token_verifier> make_single_tenant_verifier(token::keyset keys,
                                                                                std::string audience,
                                                                                std::optional<std::string> issuer);

/// One customer of a tunnel that serves several.
struct tenant {
  std::string id;  ///< metadata for policies; may be empty
  std::string audience;
  std::string issuer;
  token::keyset keys;
};

/// Why a list of tenants was refused.
struct tenants_defect {
  std::optional<std::size_t> index;  ///< of the tenant; nullopt: the list as a whole
  std::string text;                  ///< for example: aud is empty. Names the field
};

/// nullopt when the list can be served: at least one tenant; audience and issuer not empty and without white space
/// around them or a NUL inside; no two tenants with the same audience and issuer, or with the same id unless it is
/// empty.
[[nodiscard]] std::optional<tenants_defect> find_defect(const std::vector<tenant>& tenants);

/// Many tenants, each a scope of its own with its own keys. The tenant of a token is found by its audience and issuer
/// in constant time; a stranger's token takes as long to refuse as a forged one.
[[nodiscard]] boost::system::result<std::shared_ptr<const token_verifier>, tenants_defect> make_multi_tenant_verifier(
    std::vector<tenant> tenants);

/// Found by result::value() on a defect; throws boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const tenants_defect& defect, const boost::source_location& where);

}  // namespace flowersec::tunnel
