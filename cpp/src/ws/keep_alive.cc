// The keep-alive of a message connection: when it pings, and when it gives up.
#include <algorithm>
#include <utility>

#include "ws/message_connection.h"

namespace flowersec::ws {

void message_connection::run() {
  if (options_.silence_limit) {
    heard_at_ = std::chrono::steady_clock::now();
    next_ping_ = options_.ping_after ? heard_at_ + *options_.ping_after : mono_time::max();
  }
  watch_silence();
}

void message_connection::watch_silence() {
  if (!options_.ping_after && !options_.silence_limit) return;
  if (options_.silence_limit) {
    silence_timer_.expires_at(std::min(next_ping_, heard_at_ + *options_.silence_limit));
  } else {
    silence_timer_.expires_after(*options_.ping_after);
  }
  silence_timer_.async_wait([weak = weak_from_this()](error_code canceled) {
    const auto self = weak.lock();
    if (self && !canceled) self->on_silence();
  });
}

/// The clock is read only where a limit needs it: a receive is the hot path.
void message_connection::note_input() noexcept {
  heard_ = true;
  if (options_.silence_limit) heard_at_ = std::chrono::steady_clock::now();
}

void message_connection::on_silence() {
  if (closing_ != closing::no || write_ended_) return;
  bool alive = true;
  if (options_.silence_limit) {
    alive = keep_alive_by_limit(std::chrono::steady_clock::now());
  } else if (std::exchange(heard_, false)) {
    ping_sent_ = false;
  } else if (std::exchange(ping_sent_, true)) {
    alive = false;
  } else {
    queue_control(opcode::ping, {});
  }
  if (alive) return watch_silence();
  const auto silent = make_error_code(ws_errc::peer_silent);
  shut(silent, silent);
}

bool message_connection::keep_alive_by_limit(mono_time now) {
  if (now >= heard_at_ + *options_.silence_limit) return false;
  if (now >= next_ping_) {
    next_ping_ = now + *options_.ping_after;
    queue_control(opcode::ping, {});
  }
  return true;
}

}  // namespace flowersec::ws
