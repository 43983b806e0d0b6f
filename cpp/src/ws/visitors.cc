#include "ws/visitors.h"

namespace flowersec::ws {

visitors::visit visitors::try_enter(std::string_view address, mono_time now, bool even_too_often) {
  auto* who = find_or_add(address);
  if (who == nullptr || who->sockets >= limits_.max_sockets) return visit::too_many;
  const auto outcome = who->bucket.take(limits_.visits, now) ? visit::entered : visit::too_often;
  if (outcome == visit::too_often && !even_too_often) return outcome;
  ++who->sockets;
  ++sockets_;
  return outcome;
}

void visitors::leave(std::string_view address) noexcept {
  const auto found = known_.find(address);
  if (found == known_.end() || found->second->sockets == 0) return;
  --found->second->sockets;
  --sockets_;
}

visitors::visitor* visitors::find_or_add(std::string_view address) {
  if (const auto found = known_.find(address); found != known_.end()) {
    order_.splice(order_.end(), order_, found->second);
    return &order_.back();
  }
  if (known_.size() >= limits_.max_visitors && !forget_one()) return nullptr;
  order_.push_back({.address = std::string{address}});
  known_.emplace(order_.back().address, std::prev(order_.end()));
  return &order_.back();
}

bool visitors::forget_one() {
  for (auto at = order_.begin(); at != order_.end(); ++at) {
    if (at->sockets != 0) continue;
    known_.erase(at->address);
    order_.erase(at);
    return true;
  }
  return false;
}

}  // namespace flowersec::ws
