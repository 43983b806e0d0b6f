#include "ws/origin_rule.h"

#include "flowersec/base/text.h"

namespace flowersec::ws {

std::optional<origin_rule> origin_rule::make(const std::vector<std::string>& allowed, bool allow_none) {
  origin_rule rule;
  rule.allow_none_ = allow_none;
  if (allowed.empty()) return rule;
  rule.list_ = origin_policy::allow_list(allowed, false);
  if (!rule.list_) return std::nullopt;
  return rule;
}

bool origin_rule::allows(const request_head& head) const {
  const auto origin = head.first("Origin");
  if (!origin || is_blank(*origin)) return allow_none_;
  if (list_ && list_->allows(origin)) return true;
  const auto host = head.first("Host");
  const auto scheme = origin->substr(0, origin->find("://"));
  if (!host || is_blank(*host) || (!ascii_iequals(scheme, "https") && !ascii_iequals(scheme, "http"))) return false;
  // The scheme is the page's: a proxy in front made plaintext of https, and its Host may lack the port that is the
  // scheme's own.
  const std::vector<std::string> own{std::string{scheme} + "://" + std::string{trim(*host)}};
  const auto same = origin_policy::allow_list(own, false);
  return same && same->allows(origin);
}

}  // namespace flowersec::ws
