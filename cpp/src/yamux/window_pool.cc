#include "window_pool.h"

#include <algorithm>

namespace flowersec::yamux {
namespace {

using namespace std::chrono_literals;

// Without credit worth granting for longer, a stream has no claim to a share; nor within less than four round trips.
constexpr mono_time::duration receiving_span = 1s;
constexpr int receiving_round_trips = 4;
// Between two pings of ours, once a round trip is known.
constexpr mono_time::duration question_pause = 1s;
// A stream that uses its window up within so many round trips is held back by it.
constexpr int fast_round_trips = 2;

}  // namespace

bool window_pool::consume(pooled_window& window, std::size_t bytes, std::size_t unread, mono_time now) {
  const bool worth = window.credit.worth_granting(unread);
  if (!wide_) return worth;
  window.consumed += bytes;
  if (!worth) return false;
  tune(window, unread, now);
  return window.credit.worth_granting(unread);
}

void window_pool::tune(pooled_window& window, std::size_t unread, mono_time now) {
  note_receiving(window, now);
  const auto most = share();
  if (window.credit.size() > most) resize(window, window.credit.nearest(most, unread));
  if (!window.paced) {
    ask(now);
  } else if (window.consumed < window.credit.size()) {
    return;
  } else if (!round_trip_) {
    ask(now);
  } else if (now - window.since <= fast_round_trips * *round_trip_) {
    grow(window, most);
    if (window.credit.size() < most) ask(now);
  }
  window.paced = true;
  window.consumed = 0;
  window.since = now;
}

void window_pool::note_receiving(pooled_window& window, mono_time now) {
  if (window.is_linked()) {
    receiving_.erase(receiving_.iterator_to(window));
  } else {
    ++receiving_count_;
    idle_ -= window.excess();
  }
  window.seen = now;
  receiving_.push_back(window);

  const auto span = std::max(receiving_span, receiving_round_trips * round_trip_.value_or(0s));
  while (now - receiving_.front().seen > span) {
    idle_ += receiving_.front().excess();
    --receiving_count_;
    receiving_.pop_front();
  }
}

// What streams that do not receive still hold is not there to be shared.
std::uint32_t window_pool::share() const noexcept {
  const auto each = (budget_ - idle_) / receiving_count_;
  return window_bytes + static_cast<std::uint32_t>(std::min<std::size_t>(each, wide_window_bytes - window_bytes));
}

void window_pool::grow(pooled_window& window, std::uint32_t most) noexcept {
  const auto size = window.credit.size();
  if (size >= most) return;
  const auto left = budget_ - used_;
  resize(window, size + static_cast<std::uint32_t>(std::min<std::size_t>({size, most - size, left})));
}

void window_pool::resize(pooled_window& window, std::uint32_t size) noexcept {
  const auto before = window.excess();
  window.credit.resize(size);
  used_ += window.excess();
  used_ -= before;
}

void window_pool::give_back(pooled_window& window, std::size_t unread) noexcept {
  if (window.is_linked()) {
    receiving_.erase(receiving_.iterator_to(window));
    --receiving_count_;
    idle_ += window.excess();
  }
  idle_ -= window.excess();
  window.credit.use(window.credit.granted());
  resize(window, std::max(window_bytes, static_cast<std::uint32_t>(unread)));
  idle_ += window.excess();
}

void window_pool::ask(mono_time now) noexcept {
  if (round_trip_ && asked_ && now - *asked_ < question_pause) return;
  asked_ = now;
  question_ = true;
}

void window_pool::on_round_trip(mono_time::duration sample) noexcept {
  round_trip_ = std::min(sample, round_trip_.value_or(sample));
}

}  // namespace flowersec::yamux
