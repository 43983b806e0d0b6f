// Two sessions at the ends of a path with a rate and a delay, on a virtual clock: a client that uploads streams, and a
// server that reads whatever arrives at once. Test support.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "fixture.h"

namespace flowersec::yamux {

struct path_options {
  std::chrono::nanoseconds one_way_delay = std::chrono::milliseconds{50};
  double bytes_per_second = 125e6;
  bool wide_windows = true;
  yamux_limits limits{};
  /// Whether the client answers pings.
  bool answers_pings = true;
};

class path {
 public:
  explicit path(const path_options& options);

  /// Starts an upload of so many bytes. Its end is closed behind them.
  std::uint32_t upload(std::uint64_t bytes);
  /// Runs until everything was read, or `until` has come.
  void run(mono_time until = mono_time::max());

  [[nodiscard]] mono_time now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t bytes_read(std::uint32_t id) const { return uploads_.at(id).read; }
  /// When the last byte was read.
  [[nodiscard]] mono_time finished(std::uint32_t id) const { return uploads_.at(id).finished; }
  /// Pings that the server sent.
  [[nodiscard]] std::size_t pings() const noexcept { return pings_; }
  /// The widest sum of what the client might send, beyond the first window of each stream.
  [[nodiscard]] std::uint64_t most_excess() const noexcept { return most_excess_; }
  [[nodiscard]] session& server() noexcept { return server_; }

 private:
  struct transfer {
    std::uint64_t to_write = 0;
    std::uint64_t to_read = 0;
    std::uint64_t read = 0;
    std::int64_t credit = window_bytes;  // at the client, as the server has granted it
    mono_time finished{};
  };
  struct packet {
    mono_time arrives;
    encoded_header header;
    byte_view body;
  };
  struct way {
    std::deque<packet> packets;
    mono_time busy_until{};
  };

  void send(session& from, way& over);
  [[nodiscard]] mono_time next_time() const;
  void deliver(way& from, session& to);
  void watch(const outgoing_frame& frame, bool from_server);
  void feed();
  void drain();

  path_options options_;
  mono_time now_{std::chrono::hours{1}};
  byte_buffer block_ = pattern(1U << 20U);
  byte_buffer sink_ = byte_buffer(1U << 16U);
  session client_;
  session server_;
  way up_;
  way down_;
  std::map<std::uint32_t, transfer> uploads_;
  std::size_t unfinished_ = 0;
  std::size_t pings_ = 0;
  std::uint64_t most_excess_ = 0;
};

}  // namespace flowersec::yamux
