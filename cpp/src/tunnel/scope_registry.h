// The scopes that have channels, each held once, and the byte budgets behind them.
// Layer tunnel. Asked once per attach, under a mutex; channels keep what they got.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "flowersec/tunnel/limits.h"
#include "flowersec/tunnel/verifier.h"
#include "tunnel/byte_budget.h"

namespace flowersec::tunnel {

struct tenant_budget {
  tenant_budget(std::string name, std::optional<std::uint64_t> limit) : label(std::move(name)), bytes(limit) {}
  const std::string label;
  byte_budget bytes;
};

/// One (audience, issuer). Two channels are in the same scope exactly when they point to the same object.
struct active_scope {
  std::string audience;
  std::string issuer;
  std::shared_ptr<tenant_budget> budget;
};
using scope_ptr = std::shared_ptr<const active_scope>;

class scope_registry {
 public:
  explicit scope_registry(std::optional<std::uint64_t> max_tenant_bytes) : max_tenant_bytes_(max_tenant_bytes) {}

  [[nodiscard]] scope_ptr find_or_add(const token_scope& scope);
  /// nullptr when no channel, open or remembered, is in that scope.
  [[nodiscard]] scope_ptr find(std::string_view audience, std::string_view issuer) const;
  /// Every budget that was ever needed: one per configured tenant.
  [[nodiscard]] std::vector<std::shared_ptr<tenant_budget>> budgets() const;

 private:
  void forget_unused();

  const std::optional<std::uint64_t> max_tenant_bytes_;
  mutable std::mutex mutex_;
  absl::flat_hash_map<std::string, std::weak_ptr<const active_scope>> scopes_;
  absl::flat_hash_map<std::string, std::shared_ptr<tenant_budget>> budgets_;
  std::size_t clean_at_ = 64;
};

}  // namespace flowersec::tunnel
