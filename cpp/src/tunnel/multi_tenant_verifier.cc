// Many audiences and issuers, each with its own keyset.
// Layer tunnel. PROTOCOL, "Token verification". Immutable: a reload makes another one.
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <boost/system/system_error.hpp>
#include <functional>
#include <utility>

#include "flowersec/base/text.h"
#include "flowersec/token/verify.h"
#include "flowersec/tunnel/verifier.h"
#include "tunnel/token_admission.h"

namespace flowersec::tunnel {

namespace {

/// Views into a tenant, or into a token that asks for one.
struct scope_name {
  std::string_view audience;
  std::string_view issuer;
  [[nodiscard]] bool operator==(const scope_name&) const noexcept = default;
};
struct scope_hash {
  [[nodiscard]] std::size_t operator()(const scope_name& name) const noexcept {
    const std::hash<std::string_view> hash;
    return hash(name.audience) * 31 + hash(name.issuer);
  }
};

/// What is wrong with one part of a scope's name; empty when nothing is.
std::string_view defect_of_part(std::string_view part) noexcept {
  if (part.empty()) return " is empty";
  if (trim(part) != part) return " has white space around it";
  // Parts of a replay key are separated by it.
  if (part.find('\0') != part.npos) return " has a NUL in it";
  return {};
}

struct served_tenant {
  explicit served_tenant(tenant from)
      : id(std::move(from.id)),
        keys(std::move(from.keys)),
        expected{.audience = std::move(from.audience), .issuer = std::move(from.issuer)},
        label(budget_label(expected.audience, *expected.issuer)) {}

  std::string id;
  token::keyset keys;
  token::verifier_options expected;
  std::string label;
};

class multi_tenant_verifier final : public token_verifier {
 public:
  explicit multi_tenant_verifier(std::vector<tenant> tenants) {
    tenants_.reserve(tenants.size());
    for (auto& one : tenants) tenants_.emplace_back(std::move(one));
    for (const auto& one : tenants_) by_scope_.emplace(scope_name{one.expected.audience, *one.expected.issuer}, &one);
  }

  [[nodiscard]] std::optional<verified_token> verify(std::string_view text, wall_time now,
                                                     const tunnel_limits& limits) const override {
    const auto parsed = token::parse_token(text);
    if (!parsed) return std::nullopt;
    const auto& owner = tenant_of(parsed->payload);
    auto token = token::verify_token(*parsed, owner.keys, owner.expected, now);
    if (!token) return std::nullopt;
    auto admitted = admit_token(*std::move(token), now, limits);
    if (!admitted) return std::nullopt;
    admitted->scope.budget_label = owner.label;
    admitted->scope.tenant_id = owner.id;
    return admitted;
  }

  [[nodiscard]] std::vector<loaded_keys> loaded() const override {
    std::vector<loaded_keys> all;
    all.reserve(tenants_.size());
    for (const auto& one : tenants_)
      all.push_back({one.id, one.expected.audience, one.expected.issuer, one.keys.kids()});
    return all;
  }

 private:
  /// For a stranger somebody without keys: the checks go the same way, and end at the signature.
  [[nodiscard]] const served_tenant& tenant_of(const messages::token::v1::token_payload& payload) const {
    const auto issuer = payload.iss ? trim(*payload.iss) : std::string_view{};
    const auto found = by_scope_.find(scope_name{trim(payload.aud), issuer});
    return found == by_scope_.end() ? nobody_ : *found->second;
  }

  std::vector<served_tenant> tenants_;
  absl::flat_hash_map<scope_name, const served_tenant*, scope_hash> by_scope_;
  const served_tenant nobody_{{.id = {}, .audience = "-", .issuer = "-", .keys = {}}};
};

}  // namespace

std::optional<tenants_defect> find_defect(const std::vector<tenant>& tenants) {
  if (tenants.empty()) return tenants_defect{std::nullopt, "tenants: at least one entry is needed"};
  absl::flat_hash_set<scope_name, scope_hash> scopes;
  absl::flat_hash_set<std::string> ids;
  for (std::size_t i = 0; i < tenants.size(); ++i) {
    const auto& one = tenants[i];
    const auto refused = [i](std::string text) { return tenants_defect{i, std::move(text)}; };
    if (const auto why = defect_of_part(one.audience); !why.empty()) return refused("aud" + std::string{why});
    if (const auto why = defect_of_part(one.issuer); !why.empty()) return refused("iss" + std::string{why});
    if (!scopes.insert({one.audience, one.issuer}).second) return refused("duplicate aud and iss");
    if (!one.id.empty() && !ids.insert(one.id).second) return refused("duplicate id \"" + one.id + '"');
  }
  return std::nullopt;
}

boost::system::result<std::shared_ptr<const token_verifier>, tenants_defect> make_multi_tenant_verifier(
    std::vector<tenant> tenants) {
  if (auto defect = find_defect(tenants)) return *std::move(defect);
  return std::shared_ptr<const token_verifier>{std::make_shared<multi_tenant_verifier>(std::move(tenants))};
}

void throw_exception_from_error(const tenants_defect& defect, const boost::source_location& /*where*/) {
  throw boost::system::system_error(token::make_error_code(token::token_errc::bad_options), defect.text);
}

}  // namespace flowersec::tunnel
