// See worker.h.
#include "tunnel/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tunnel/http_front.h"

namespace flowersec::tunnel {

namespace {

constexpr std::size_t events_per_wait = 256;
/// Accepting is cheap, but a burst must not hold up the relay.
constexpr int most_accepts_per_turn = 16;
/// How long nobody is accepted after descriptors ran out.
constexpr std::chrono::milliseconds out_of_room_pause{100};

/// The sweep ends every wait well before this. After more the process was stopped, or the machine slept.
constexpr std::chrono::seconds longest_ordinary_turn{2};
/// Enough for one event of every connection that a process can have.
constexpr int most_batches_after_absence = 256;

}  // namespace

worker::worker(shared_state& shared, shard_router& router, const http_site& site, const tls_slot* tls, int listening,
               bool keeps_replay_store)
    : shared_(shared),
      site_(site),
      tls_(tls),
      listening_(listening),
      wakeup_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      shard_(shared, links_, router, keeps_replay_store) {
  // Edge-triggered, so that nobody needs to read the counter back.
  (void)links_.add(wakeup_, EPOLLIN | EPOLLET, nullptr);
  resume_accepting();
  shard_.set_wake([this] { wake(); });
}

worker::~worker() {
  join();
  ::close(wakeup_);
}

void worker::start() {
  thread_ = std::thread([this] { run(); });
}

void worker::join() {
  if (thread_.joinable()) thread_.join();
}

void worker::wake() const {
  if (owner_.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
  const std::uint64_t one = 1;
  (void)!::write(wakeup_, &one, sizeof one);
}

void worker::run() {
  owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::array<epoll_event, events_per_wait> events;
  while (!stopping_) {
    const auto count = links_.wait(events, wait_ms());
    const auto now = shared_.clocks.mono_now();
    const bool was_away = now - shard_.now() > longest_ordinary_turn;
    shard_.set_time(now);
    dispatch({events.data(), count});
    if (was_away) catch_up(events);
    shard_.run();
    if (accept_again_ && *accept_again_ <= shard_.now()) resume_accepting();
  }
  shard_.shut_down();
}

/// Whoever wrote in time must not be late because this process was stopped: all that came meanwhile is looked at before
/// any deadline is. (The wait that was stopped ends without an event, as for a signal.)
void worker::catch_up(std::span<epoll_event> events) {
  for (int batches = 0; batches < most_batches_after_absence; ++batches) {
    const auto count = links_.wait(events, 0);
    dispatch(events.first(count));
    if (count < events.size()) return;
  }
}

void worker::dispatch(std::span<const epoll_event> events) {
  for (const auto& event : events) {
    if (event.data.ptr == this) {
      accept_some();
    } else if (event.data.ptr != nullptr) {
      epoll_set::dispatch(event);
    }
  }
}

int worker::wait_ms() const {
  auto wakeup = shard_.next_wakeup();
  if (!wakeup) return 0;
  if (accept_again_) wakeup = std::min(*wakeup, *accept_again_);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*wakeup - shared_.clocks.mono_now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void worker::accept_some() {
  if (!accepting_) return;
  for (int i = 0; i < most_accepts_per_turn; ++i) {
    auto next = accept_one(listening_);
    if (!next) return;
    if (next->out_of_room) {
      links_.remove(listening_);
      accept_again_ = shard_.now() + out_of_room_pause;
      shared_.events->on_accept_paused(out_of_room_pause);
      return;
    }
    auto pipe = tls_ != nullptr ? make_tls_link(next->descriptor, tls_->current()) : make_plain_link(next->descriptor);
    if (!pipe) continue;
    shard_.add(std::make_unique<http_front>(shard_, std::move(pipe), site_, std::move(next->peer))).open();
  }
}

void worker::resume_accepting() {
  accept_again_.reset();
  // One thread is woken per connection, not all of them.
  if (accepting_) (void)links_.add(listening_, EPOLLIN | EPOLLEXCLUSIVE, this);
}

void worker::stop_accepting() {
  accepting_ = false;
  links_.remove(listening_);
}

}  // namespace flowersec::tunnel
