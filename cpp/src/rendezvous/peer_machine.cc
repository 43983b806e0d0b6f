#include "rendezvous/peer_machine.h"

#include <algorithm>
#include <utility>

namespace flowersec::rendezvous {

using presence = registry_view::presence;

void peer_machine::call_failed(std::size_t registry, error_code why) {
  if (doing_ != activity::calling) return;
  // Theirs, which came to another registry, may bring us together all the same.
  doing_ = awaited_.empty() ? activity::none : activity::attaching;
  failed_at(registry, why);
}

/// The others are called in the same round.
void peer_machine::failed_at(std::size_t registry, error_code why) {
  tried_.insert(registry);
  // Absence at one registry says less than what went wrong at another.
  if (!last_error_ || last_error_ == make_error_code(rendezvous_errc::recipient_unavailable)) last_error_ = why;
}

void peer_machine::attaching(std::uint64_t ticket, std::size_t registry, role as, bool still_calling) {
  // Only the handshake shows that they called; a registry that claims so and is wrong does not hold us up twice.
  const bool instead = doing_ == activity::calling && !still_calling;
  if (as != role::caller && !instead && doubtful_.contains(registry)) return;
  awaited_.insert(ticket);
  if (!still_calling) doing_ = activity::attaching;
}

void peer_machine::attach_failed(std::uint64_t ticket, std::size_t registry, role as, error_code why, mono_time now) {
  awaited_.erase(ticket);
  const bool was_doubtful = as == role::callee && !doubtful_.insert(registry).second;
  if (!channel_ && (as == role::caller || was_doubtful)) {
    failed_at(registry, why);
    if (preferred_ == registry) preferred_.reset();
  }
  if (!awaited_.empty() || doing_ != activity::attaching) return;
  doing_ = activity::none;
  if (channel_ || as == role::caller) return;
  last_error_ = why;
  wait(callee_patience, now);
}

void peer_machine::attach_dropped(std::uint64_t ticket) noexcept {
  awaited_.erase(ticket);
  if (awaited_.empty() && doing_ == activity::attaching) doing_ = activity::none;
}

void peer_machine::opened(std::size_t registry, role as, mono_time now) {
  channel_ = channel{.as = as, .since = now};
  preferred_ = registry;
  doing_ = activity::none;
  recovering_ = false;
  awaited_.clear();
  tried_.clear();
  doubtful_.clear();
  last_error_ = {};
  become(channel_status::open, {});
}

void peer_machine::lost(error_code why, loss how, mono_time now) {
  const auto had = std::exchange(channel_, std::nullopt);
  if (!had) return;
  const bool orderly = how == loss::left;
  const bool settled = how != loss::silent && now - had->since >= settled_channel;
  if (settled) failed_rounds_ = 0;
  recovering_ = had->as == role::caller && !orderly;
  last_error_ = {};
  if (recovering_ && doing_ != activity::attaching) return round_failed(why, now);
  become(orderly ? channel_status::closed : channel_status::waiting, why);
  if (doing_ == activity::attaching) return;
  // Whoever lets us in to leave us does not make us try for ever, nor who calls us to do so.
  if (!settled) ++failed_rounds_;
  if (!orderly) return wait(callee_patience, now);
  wait(settled ? std::chrono::milliseconds{0} : delay(), now);
}

void peer_machine::turned_away() {
  if (doing_ != activity::attaching) doing_ = activity::none;
  recovering_ = false;
  failed_rounds_ = 0;
  tried_.clear();
  last_error_ = {};
  become(channel_status::closed, {});
}

void peer_machine::step(std::span<const registry_view> registries, bool wanted, mono_time now) {
  // Whoever waited is told first that it was in vain.
  wanted_ = wanted_ && wanted;
  if (stopped_ || !intents_.empty()) return;
  const bool begins = wanted && !std::exchange(wanted_, wanted);
  if (channel_ || doing_ == activity::attaching) return;
  const auto is_registered = [](const registry_view& each) { return each.registered; };
  if (begins && recovering_ && std::ranges::any_of(registries, is_registered) && all_left(registries))
    return intents_.push_back(peer::fail{rendezvous_errc::offline});
  if (doing_ == activity::calling) return watch_call(registries[call_.registry], now);
  if (!wanted && !recovering_) {
    doing_ = activity::none;
    failed_rounds_ = 0;
    tried_.clear();
    return become(channel_status::closed, {});
  }
  if (failed_rounds_ >= max_rounds()) return give_up(rendezvous_errc::channel_lost);
  if (doing_ == activity::waiting) {
    if (now < until_) return;
    doing_ = activity::none;
  }
  if (const auto registry = choose(registries)) {
    if (!recovering_ && tried_.empty() && all_left(registries)) return give_up(rendezvous_errc::offline);
    doing_ = activity::calling;
    call_ = {.registry = *registry};
    watch_call(registries[*registry], now);
    become(channel_status::calling, {});
    return intents_.push_back(peer::call{*registry});
  }
  if (!tried_.empty()) {
    round_failed(last_error_, now);
    return;
  }
  const bool hope = std::ranges::any_of(registries, &registry_view::trying);
  if (!hope) return give_up(rendezvous_errc::no_registry);
  become(channel_status::calling, {});
}

/// A registry rings those who are there. Who comes later, as after its restart, would hear nothing of a call that we
/// wait 20 s for.
void peer_machine::watch_call(const registry_view& at, mono_time now) {
  if (call_.again) return;
  if (at.seen != presence::online) call_.again_at.reset();
  if (at.seen == presence::absent || at.seen == presence::left) call_.missed = true;
  if (at.seen != presence::online || !call_.missed) return;
  if (!call_.again_at) call_.again_at = now + arrival_patience;
  if (now < *call_.again_at) return;
  call_.again = true;
  call_.again_at.reset();
  intents_.push_back(peer::call_again{call_.registry});
}

std::optional<std::size_t> peer_machine::choose(std::span<const registry_view> registries) const {
  std::optional<std::size_t> best;
  const auto rank = [&](std::size_t index) {
    const int here = registries[index].seen == presence::online ? 2 : 0;
    const int away = registries[index].seen == presence::left ? -2 : 0;
    return here + away + (preferred_ == index ? 1 : 0);
  };
  for (std::size_t index = 0; index < registries.size(); ++index) {
    if (!registries[index].registered || tried_.contains(index)) continue;
    if (!best || rank(index) > rank(*best)) best = index;
  }
  return best;
}

/// Absence is only sure where they were seen before, and are seen nowhere else.
bool peer_machine::all_left(std::span<const registry_view> registries) {
  return std::ranges::none_of(registries, [](const registry_view& each) {
    return each.trying || (each.registered && each.seen != presence::left);
  });
}

void peer_machine::round_failed(error_code why, mono_time now) {
  tried_.clear();
  last_error_ = {};
  ++failed_rounds_;
  const bool absent = why == make_error_code(rendezvous_errc::recipient_unavailable) ||
                      why == make_error_code(rendezvous_errc::unknown_contact);
  if ((absent && !recovering_) || failed_rounds_ >= max_rounds()) return give_up(why);
  become(channel_status::waiting, why);
  wait(delay(), now);
}

void peer_machine::give_up(error_code why) {
  doing_ = activity::none;
  recovering_ = false;
  failed_rounds_ = 0;
  tried_.clear();
  intents_.push_back(peer::fail{why});
  become(channel_status::closed, why);
}

void peer_machine::wait(std::chrono::milliseconds delay, mono_time now) {
  doing_ = activity::waiting;
  until_ = now + delay;
}

std::chrono::milliseconds peer_machine::delay() {
  return endpoint::reconnect_delay(options_, std::max(failed_rounds_ - 1, 0), unit_());
}

std::optional<mono_time> peer_machine::deadline() const {
  if (!stopped_ && doing_ == activity::waiting) return until_;
  return !stopped_ && doing_ == activity::calling ? call_.again_at : std::nullopt;
}

std::optional<peer_intent> peer_machine::poll_intent() {
  if (intents_.empty()) return std::nullopt;
  auto next = std::move(intents_.front());
  intents_.pop_front();
  return next;
}

void peer_machine::become(channel_status status, error_code why) {
  const bool same = status == std::exchange(status_, status);
  if (!same || why) intents_.push_back(peer::changed{.status = status, .why = why});
}

}  // namespace flowersec::rendezvous
