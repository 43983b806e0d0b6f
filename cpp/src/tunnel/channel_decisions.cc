// See channel_decisions.h.
#include "tunnel/channel_decisions.h"

#include <set>
#include <tuple>

#include "flowersec/base/text.h"

namespace flowersec::tunnel {

bool tidy(std::vector<channel_decision>& decisions) {
  using name = std::tuple<std::string_view, std::string_view, std::string_view>;
  std::set<name> seen;
  for (auto& decision : decisions) {
    for (auto* text : {&decision.audience, &decision.issuer, &decision.channel_id, &decision.tenant_id}) {
      *text = std::string{trim(*text)};
    }
    if (decision.audience.empty() || decision.issuer.empty() || decision.channel_id.empty()) return false;
    if (!seen.emplace(decision.audience, decision.issuer, decision.channel_id).second) return false;
  }
  return true;
}

}  // namespace flowersec::tunnel
