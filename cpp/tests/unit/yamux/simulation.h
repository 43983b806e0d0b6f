// Two sessions joined by an in-memory pipe, with applications at both ends and a checker on the wire.
// Everything is decided by a seed, so a failure can be replayed.
#pragma once

#include <array>
#include <map>
#include <random>

#include "fixture.h"

namespace flowersec::yamux {

/// Watches the frames of both directions, without using the library under test.
class wire_checker {
 public:
  /// `widest` is the widest window, and `budgets` bounds what the windows of each sender exceed the first one by.
  explicit wire_checker(std::int64_t widest = 262144, std::array<std::int64_t, 2> budgets = {0, 0})
      : widest_(widest), budgets_(budgets) {}

  /// `sender` is 0 for the client and 1 for the server. Frames are whole.
  void on_frames(int sender, byte_view bytes);
  /// The most that a sender might send at once.
  [[nodiscard]] std::int64_t widest_seen() const { return widest_seen_; }

 private:
  struct half {
    std::int64_t credit = 262144;  // what the sender of this half may still send
    int syns = 0;
    int acks = 0;
    int fins = 0;
    bool reset = false;
  };
  void check_budget(int sender) const;

  std::int64_t widest_;
  std::array<std::int64_t, 2> budgets_;
  std::int64_t widest_seen_ = 0;
  std::map<std::uint32_t, half> halves_[2];
};

/// One application: opens streams, writes a known pattern, checks the pattern it reads.
class sim_peer {
 public:
  sim_peer(const session_options& options, std::uint64_t seed, bool with_resets);

  [[nodiscard]] session& machine() { return machine_; }

  void random_step();
  void pass(mono_time::duration by) { machine_.advance(now_ += by); }
  /// Finishes writes, closes, and goes on reading.
  void wind_down();
  void on_events();
  /// Whether every stream that was not reset has delivered all its bytes in both directions.
  [[nodiscard]] bool is_quiet() const;
  [[nodiscard]] std::size_t bytes_read() const { return bytes_read_; }
  [[nodiscard]] std::size_t streams_finished() const { return finished_; }
  [[nodiscard]] std::size_t streams_failed() const { return failed_; }

  /// Moves output into the pipe, in frames of at most `max_frame`.
  void send(byte_buffer& pipe, std::size_t max_bytes, wire_checker& checker);

 private:
  struct sim_stream {
    std::size_t queued = 0;  // bytes given to write()
    std::size_t read = 0;    // bytes checked
    byte_buffer reader;      // while a read is waiting
    bool reading = false;
    bool closed = false;
    bool peer_done = false;
  };

  void on(const stream_opened& e);
  void on(const stream_readable&) {}
  void on(const read_done& e);
  void on(const peer_closed&) {}
  void on(const writes_done&) {}
  void on(const stream_finished& e);
  void on(const stream_failed& e);
  void on(const streams_refused&) {}
  void on(const probe_answered&) {}
  void on(const session_ended& e);

  void try_open();
  void try_write(std::uint32_t id, sim_stream& stream);
  void try_read(std::uint32_t id, sim_stream& stream);
  void check(std::uint32_t id, sim_stream& stream, byte_view bytes);
  [[nodiscard]] std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_);
  }
  [[nodiscard]] byte_view outgoing_bytes(std::uint32_t id, std::size_t from, std::size_t count) const;
  [[nodiscard]] static std::size_t offset_of(std::uint32_t id, bool from_client);

  session machine_;
  mono_time now_{};
  bool is_client_;
  std::mt19937_64 random_;
  bool with_resets_;
  std::map<std::uint32_t, sim_stream> streams_;
  std::size_t bytes_read_ = 0;
  std::size_t finished_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace flowersec::yamux
