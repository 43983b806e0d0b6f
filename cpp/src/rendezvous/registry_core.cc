#include "rendezvous/registry_core.h"

#include <algorithm>
#include <utility>

namespace flowersec::rendezvous {

registry_core::registry_core(ws::serial_executor serial, const registry_limits& limits, registry_setup setup,
                             const clock_source& clocks, std::function<void(const registry_event&)> on_event)
    : serial_(std::move(serial)),
      clocks_(clocks),
      on_event_(std::move(on_event)),
      machine_(limits, with_room(std::move(setup))),
      timer_(serial_),
      stop_timer_(serial_) {}

registry_setup registry_core::with_room(registry_setup setup) const {
  setup.has_room = [this](socket_id who) {
    const auto found = links_.find(who);
    return found == links_.end() || found->second->has_room();
  };
  return setup;
}

void registry_core::perform() {
  for (auto actions = machine_.take_actions(); !actions.empty(); actions = machine_.take_actions()) {
    publish_counts();
    for (auto& action : actions) carry_out(action);
    for (const auto who : std::exchange(slow_, {})) machine_.on_slow(who, now());
  }
  for (const auto& event : machine_.take_events()) report(event);
  publish_counts();
  arm();
}

void registry_core::carry_out(registry_action& action) {
  if (auto* text = std::get_if<send_text>(&action)) {
    const auto found = links_.find(text->to);
    if (found != links_.end() && !found->second->send(std::move(text->text))) slow_.push_back(text->to);
    return;
  }
  auto& over = std::get<end_socket>(action);
  if (const auto found = links_.find(over.who); found != links_.end()) {
    found->second->end(over.close_code, std::move(over.reason));
  }
}

void registry_core::count_refused_origin(const registry_event& event) {
  ++origins_refused_;
  report(event);
}

void registry_core::count_failed_open(const registry_event& event) {
  ++opens_failed_;
  report(event);
}

void registry_core::report(const registry_event& event) {
  publish_counts();
  if (on_event_) on_event_(event);
}

void registry_core::publish_counts() {
  auto present = machine_.counts();
  present.origins_refused = origins_refused_;
  present.opens_failed = opens_failed_;
  const std::scoped_lock lock{counts_mutex_};
  counts_ = present;
}

registry_counts registry_core::last_counts() const {
  const std::scoped_lock lock{counts_mutex_};
  return counts_;
}

void registry_core::add(socket_id who, std::shared_ptr<client_side> link) {
  // Dropped while it was opening.
  if (closed_ || !machine_.knows(who)) {
    link->end(stopping_ && !closed_ ? static_cast<std::uint16_t>(ws::close_code::going_away) : 0, {});
  }
  links_.emplace(who, std::move(link));
}

void registry_core::expect(std::shared_ptr<ws::farewell> arriving) {
  if (stopping_ || closed_) arriving->say();
  arriving_.insert(std::move(arriving));
}

void registry_core::arrived(const std::shared_ptr<ws::farewell>& arriving) {
  arriving_.erase(arriving);
  continue_stopping();
}

void registry_core::remove(socket_id who) {
  links_.erase(who);
  machine_.on_gone(who, now());
  perform();
  continue_stopping();
}

void registry_core::arm() {
  if (closed_) return;
  const auto next = machine_.next_deadline();
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  // A crowd of deadlines is looked at together.
  constexpr std::chrono::milliseconds grain{5};
  timer_.expires_after(std::max<std::chrono::nanoseconds>(*next - now(), grain));
  timer_.async_wait([self = shared_from_this()](error_code canceled) {
    if (canceled || self->closed_) return;
    self->armed_.reset();
    self->machine_.on_time(self->now());
    self->perform();
  });
}

void registry_core::end_all() {
  const auto links = links_;  // what ends removes itself
  for (const auto& [who, link] : links) link->end(0, {});
}

void registry_core::stop(std::chrono::milliseconds limit, std::function<void()> done) {
  on_stopped_.push_back(std::move(done));
  if (stopping_) return continue_stopping();
  stopping_ = true;
  // A session that is closed by force may take some seconds itself.
  constexpr std::chrono::milliseconds for_closing{4'000};
  stop_timer_.expires_after(limit - std::min(limit / 2, for_closing));
  stop_timer_.async_wait([self = shared_from_this()](error_code canceled) {
    if (canceled) return;
    self->arriving_.clear();
    self->end_all();
    self->continue_stopping();
  });
  for (const auto& each : arriving_) each->say();
  machine_.stop(now());
  perform();
  continue_stopping();
}

void registry_core::continue_stopping() {
  if (!stopping_ || !links_.empty() || !arriving_.empty()) return;
  stop_timer_.cancel();
  timer_.cancel();
  for (auto& done : std::exchange(on_stopped_, {})) done();
}

void registry_core::close() {
  closed_ = true;
  on_event_ = nullptr;
  timer_.cancel();
  stop_timer_.cancel();
  end_all();
  for (const auto& each : arriving_) each->say();
}

}  // namespace flowersec::rendezvous
