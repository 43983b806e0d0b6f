// See scope_registry.h.
#include "tunnel/scope_registry.h"

#include <algorithm>

namespace flowersec::tunnel {

namespace {

std::string key_of(std::string_view audience, std::string_view issuer) {
  std::string key{audience};
  key += '\0';
  return key += issuer;
}

}  // namespace

scope_ptr scope_registry::find_or_add(const token_scope& scope) {
  const auto key = key_of(scope.audience, scope.issuer);
  const std::scoped_lock lock(mutex_);
  auto& known = scopes_[key];
  if (auto alive = known.lock()) return alive;
  auto& budget = budgets_[scope.budget_label];
  if (!budget) budget = std::make_shared<tenant_budget>(scope.budget_label, max_tenant_bytes_);
  auto fresh = std::make_shared<active_scope>(active_scope{scope.audience, scope.issuer, budget});
  known = fresh;
  // Issuers may be free text of whoever holds a key, so what nobody uses must go.
  if (scopes_.size() >= clean_at_) forget_unused();
  return fresh;
}

scope_ptr scope_registry::find(std::string_view audience, std::string_view issuer) const {
  const std::scoped_lock lock(mutex_);
  const auto known = scopes_.find(key_of(audience, issuer));
  return known == scopes_.end() ? nullptr : known->second.lock();
}

void scope_registry::forget_unused() {
  absl::erase_if(scopes_, [](const auto& entry) { return entry.second.expired(); });
  clean_at_ = std::max<std::size_t>(64, 2 * scopes_.size());
}

std::vector<std::shared_ptr<tenant_budget>> scope_registry::budgets() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<tenant_budget>> all;
  all.reserve(budgets_.size());
  for (const auto& [label, budget] : budgets_) all.push_back(budget);
  return all;
}

}  // namespace flowersec::tunnel
