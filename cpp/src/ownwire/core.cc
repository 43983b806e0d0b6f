#include "ownwire/core.h"

#include <algorithm>
#include <utility>

namespace flowersec::ownwire {

core::core(serial_executor serial, const gateway_limits& limits, const clock_source& clocks, random_source& random,
           std::function<void(const gateway_event&)> on_event)
    : serial_(std::move(serial)),
      clocks_(clocks),
      on_event_(std::move(on_event)),
      hub_(limits, random),
      timer_(serial_),
      stop_timer_(serial_) {}

void core::perform() {
  for (auto actions = hub_.take_actions(); !actions.empty(); actions = hub_.take_actions()) {
    publish_counts();
    for (const auto& action : actions) carry_out(action);
  }
  for (auto& event : hub_.take_events()) report(std::move(event));
  publish_counts();
  arm();
}

void core::carry_out(const hub_action& action) {
  if (const auto* ready = std::get_if<user_ready>(&action)) {
    if (const auto found = users_.find(ready->who); found != users_.end()) found->second->wake();
  } else if (const auto* over = std::get_if<end_user>(&action)) {
    if (const auto found = users_.find(over->who); found != users_.end()) found->second->end(over->how);
  } else if (const auto* batch = std::get_if<client_ready>(&action)) {
    if (const auto found = clients_.find(batch->who); found != clients_.end()) found->second->wake();
  } else if (const auto* dropped = std::get_if<drop_client>(&action)) {
    if (const auto found = clients_.find(dropped->who); found != clients_.end()) found->second->abort();
  }
}

void core::report(gateway_event event) {
  publish_counts();
  if (on_event_) on_event_(event);
}

void core::publish_counts() {
  auto now = hub_.counts();
  now.origins_refused = origins_refused_;
  now.visitors_refused += visitors_refused_;
  const std::scoped_lock lock{counts_mutex_};
  counts_ = now;
}

gateway_counts core::last_counts() const {
  const std::scoped_lock lock{counts_mutex_};
  return counts_;
}

void core::close() {
  closed_ = true;
  on_event_ = nullptr;
  timer_.cancel();
  stop_timer_.cancel();
  hub_.stop();
  abort();
  for (const auto& each : arriving_) each->say();
}

void core::abort() {
  // Copies: what is aborted removes itself.
  const auto users = users_;
  const auto clients = clients_;
  for (const auto& [who, link] : users) link->abort();
  for (const auto& [who, link] : clients) link->abort();
}

void core::expect(std::shared_ptr<farewell> arriving) {
  if (stopping_ || closed_) arriving->say();
  arriving_.insert(std::move(arriving));
}

void core::arrived(const std::shared_ptr<farewell>& arriving) {
  arriving_.erase(arriving);
  continue_stopping();
}

void core::arm() {
  if (closed_) return;
  const auto next = hub_.next_deadline();
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  // A crowd of deadlines is looked at together.
  constexpr std::chrono::milliseconds grain{10};
  timer_.expires_after(std::max<std::chrono::nanoseconds>(*next - now(), grain));
  timer_.async_wait([self = shared_from_this()](error_code canceled) {
    if (canceled || self->closed_) return;
    self->armed_.reset();
    self->hub_.on_time(self->now());
    self->perform();
  });
}

void core::remove_user(connection_id who) {
  users_.erase(who);
  hub_.on_gone(who, now());
  perform();
  continue_stopping();
}

void core::remove_client(client_id who) {
  clients_.erase(who);
  hub_.on_client_gone(who, now());
  perform();
  continue_stopping();
}

void core::stop(std::chrono::milliseconds limit, std::function<void()> done) {
  on_stopped_.push_back(std::move(done));
  if (stopping_) return continue_stopping();
  stopping_ = true;
  // A session that is closed by force may take some seconds itself.
  constexpr std::chrono::milliseconds for_closing{4'000};
  stop_timer_.expires_after(limit - std::min(limit / 2, for_closing));
  stop_timer_.async_wait([self = shared_from_this()](error_code canceled) {
    if (canceled) return;
    self->arriving_.clear();
    self->abort();
    self->continue_stopping();
  });
  for (const auto& each : arriving_) each->say();
  hub_.stop();
  perform();
  continue_stopping();
}

void core::continue_stopping() {
  if (!stopping_ || !users_.empty() || !arriving_.empty()) return;
  if (!std::exchange(clients_told_, true)) {
    // Behind what is queued for it: those texts were acknowledged.
    const auto clients = clients_;
    for (const auto& [who, link] : clients) link->leave();
  }
  if (!clients_.empty()) return;
  stop_timer_.cancel();
  timer_.cancel();
  for (auto& done : std::exchange(on_stopped_, {})) done();
}

}  // namespace flowersec::ownwire
