// The network of the simulation: connections made of two pipes that delay, cut into pieces, hold little, and break.
// Test support. All that is random comes from one seed. Time is told.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <random>

#include "support/tunnel_world.h"

namespace flowersec::sim {

using testing::tunnel_world;
using testing::wire;

/// The one source of chance of a run.
class choices {
 public:
  explicit choices(std::uint64_t seed) : engine_(seed) {}
  /// 0 .. bound - 1. The same on every standard library.
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  [[nodiscard]] std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  [[nodiscard]] bool one_in(std::size_t n) { return below(n) == 0; }
  [[nodiscard]] std::uint64_t number() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

struct network_options {
  std::chrono::microseconds longest_delay{0};
  /// Of one direction of a connection: the buffers of both sockets and the way between.
  std::size_t capacity_bytes = 65536;
  std::size_t smallest_piece = 1;
  std::size_t largest_piece = 16384;
};

/// How a connection breaks.
enum class fault : std::uint8_t {
  reset,    ///< both sides learn it at once; what was under way is lost
  ended,    ///< the end stops sending in order; what was under way arrives
  silence,  ///< nothing arrives any more, and nobody is told
};

/// Bytes on their way in one direction. Order is kept, as TCP keeps it; between pipes anything may overtake.
class pipe {
 public:
  void push(byte_view bytes, mono_time now, const network_options& how, choices& pick) {
    while (!bytes.empty()) {
      const auto n = std::min(bytes.size(), pick.between(how.smallest_piece, how.largest_piece));
      auto due = now + std::chrono::microseconds{pick.below(static_cast<std::size_t>(how.longest_delay.count()) + 1)};
      if (!pieces_.empty()) due = std::max(due, pieces_.back().due);
      pieces_.push_back({due, to_buffer(bytes.first(n))});
      held_ += n;
      bytes = bytes.subspan(n);
    }
  }
  [[nodiscard]] bool is_due(mono_time now) const { return !pieces_.empty() && pieces_.front().due <= now; }
  [[nodiscard]] std::optional<mono_time> next_due() const {
    return pieces_.empty() ? std::nullopt : std::optional{pieces_.front().due};
  }
  [[nodiscard]] byte_buffer pop() {
    auto bytes = std::move(pieces_.front().bytes);
    pieces_.pop_front();
    held_ -= bytes.size();
    return bytes;
  }
  void clear() {
    pieces_.clear();
    held_ = 0;
  }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }

 private:
  struct piece {
    mono_time due;
    byte_buffer bytes;
  };
  std::deque<piece> pieces_;
  std::size_t held_ = 0;
};

/// One connection, seen from the end that is not the tunnel.
class connection {
 public:
  connection(tunnel_world& tunnel, const network_options& how, choices& pick)
      : tunnel_(tunnel), how_(how), pick_(pick), end_(tunnel.connect()) {
    far().room = how_.capacity_bytes;
  }

  /// Bytes that send() takes now.
  [[nodiscard]] std::size_t room() const {
    if (finished_ || broken_) return 0;
    const auto held = up_.held() + far().to_tunnel.size();
    return held < how_.capacity_bytes ? how_.capacity_bytes - held : 0;
  }
  void send(byte_view bytes) { up_.push(bytes, now(), how_, pick_); }
  /// Nothing more will be sent.
  void finish() { finished_ = true; }
  void break_as(fault how) {
    if (how == fault::ended) return finish();
    if (how == fault::silence) {
      silent_ = true;
    } else {
      break_now();
    }
  }
  /// Carries nothing for so long; nobody is told, and nothing is lost.
  void stall(std::chrono::microseconds span) { stalled_until_ = now() + span; }
  /// Breaks when so many more bytes have passed in one direction, in the middle of whatever passes then.
  void break_after_bytes_up(std::size_t bytes, fault how) { up_cut_ = {bytes, how}; }
  void break_after_bytes_down(std::size_t bytes, fault how) { down_cut_ = {bytes, how}; }

  /// Moves at most one piece each way. Whether anything moved.
  bool carry() {
    collect();
    if (silent_ || is_stalled()) return false;
    const bool moved_up = carry_up();
    const bool moved_down = carry_down();
    return moved_up || moved_down;
  }
  [[nodiscard]] std::optional<mono_time> next_due() const {
    if (silent_) return std::nullopt;
    if (is_stalled()) return stalled_until_;
    const auto up = up_.next_due();
    const auto down = down_.next_due();
    return up && down ? std::min(*up, *down) : up ? up : down;
  }

  [[nodiscard]] byte_buffer receive() { return std::exchange(arrived_, {}); }
  /// Everything was received that ever will be.
  [[nodiscard]] bool at_end() const {
    if (silent_ || is_stalled()) return false;
    return broken_ || (end_.saw_end() && down_.empty() && far().from_tunnel.empty() && arrived_.empty());
  }
  /// Nothing will ever move again.
  [[nodiscard]] bool at_rest() const {
    return silent_ || broken_ || (end_.closed() && up_.empty() && down_.empty() && far().from_tunnel.empty());
  }
  [[nodiscard]] std::size_t bytes_up() const noexcept { return bytes_up_; }
  [[nodiscard]] std::size_t bytes_down() const noexcept { return bytes_down_; }

 private:
  struct cut {
    std::size_t bytes;
    fault how;
  };

  [[nodiscard]] mono_time now() const { return tunnel_.clock.mono; }
  [[nodiscard]] wire& far() const { return const_cast<tunnel_world::client&>(end_).raw(); }

  [[nodiscard]] bool is_stalled() const { return now() < stalled_until_; }
  void collect() {
    if (!far().from_tunnel.empty()) down_.push(end_.take_bytes(), now(), how_, pick_);
  }
  /// Cuts off what lies behind the place of the break, when that is in `piece`.
  std::optional<fault> shorten(byte_buffer& piece, std::optional<cut>& at) {
    if (!at) return std::nullopt;
    if (piece.size() < at->bytes) {
      at->bytes -= piece.size();
      return std::nullopt;
    }
    // Who stops sending still receives.
    const bool goes_on = at->how == fault::ended && &at == &down_cut_;
    if (!goes_on) piece.resize(at->bytes);
    return std::exchange(at, std::nullopt)->how;
  }
  bool carry_up() {
    if (!up_.is_due(now())) {
      if (!finished_ || !up_.empty() || far().client_ended || end_.closed()) return false;
      end_.end();
      return true;
    }
    auto piece = up_.pop();
    // A socket that was closed answers with a reset, which also destroys what the peer has not read.
    if (end_.closed()) {
      break_now();
      return true;
    }
    const auto broken = shorten(piece, up_cut_);
    bytes_up_ += piece.size();
    end_.send(piece);
    if (broken) {
      up_.clear();
      break_as(*broken);
    }
    return true;
  }
  bool carry_down() {
    collect();
    if (end_.closed() && far().closed_with_unread_input) down_.clear();
    if (broken_ || !down_.is_due(now())) return false;
    auto piece = down_.pop();
    const auto broken = shorten(piece, down_cut_);
    bytes_down_ += piece.size();
    append(arrived_, piece);
    end_.set_room(how_.capacity_bytes - std::min(how_.capacity_bytes, down_.held() + far().from_tunnel.size()));
    if (broken) break_as(*broken);
    return true;
  }
  void break_now() {
    if (std::exchange(broken_, true)) return;
    up_.clear();
    down_.clear();
    if (!end_.closed()) end_.reset();
    far().from_tunnel.clear();
  }

  tunnel_world& tunnel_;
  network_options how_;
  choices& pick_;
  tunnel_world::client end_;
  pipe up_;
  pipe down_;
  byte_buffer arrived_;
  std::optional<cut> up_cut_;
  std::optional<cut> down_cut_;
  std::size_t bytes_up_ = 0;
  std::size_t bytes_down_ = 0;
  bool finished_ = false;
  bool broken_ = false;
  bool silent_ = false;
  mono_time stalled_until_{};
};

}  // namespace flowersec::sim
