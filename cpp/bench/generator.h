// The load generator: keeps pairs of connections busy through a relay and checks every byte that comes out.
// Part of flowersec-bench; runs on the calling thread alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "frames.h"
#include "sockets.h"

namespace flowersec::bench {

/// Two connections that a relay has joined.
struct connection_pair {
  unique_fd sender;
  unique_fd sink;
};

enum class write_mode {
  batched,     ///< as much as the socket takes per write
  one_by_one,  ///< a write per message
};

struct traffic_sample {
  std::uint64_t messages = 0;
  std::uint64_t payload_bytes = 0;
  std::chrono::nanoseconds elapsed{};
  std::chrono::nanoseconds generator_cpu{};
};

class generator {
 public:
  /// The pairs stay connected and their streams continue from one run to the next.
  generator(std::vector<connection_pair> pairs, const frame_block& block, delivery how);

  /// Sends for this long, then waits until everything sent has arrived. Throws bench_error when a byte is wrong or
  /// does not arrive within seconds.
  traffic_sample run_for(std::chrono::nanoseconds duration, write_mode mode);
  /// The same for a number of messages on each pair.
  traffic_sample run_messages(std::uint64_t messages_per_pair, write_mode mode);

  /// One message there and one back on the first pair, again and again; `messages` are round trips.
  traffic_sample ping_pong_for(std::chrono::nanoseconds duration);

  /// Sends on every pair, reading nowhere, until no sender could write for `quiet`. Returns bytes taken.
  std::uint64_t flood_until_stalled(std::chrono::milliseconds quiet);

 private:
  struct traffic_flow {
    connection_pair ends;
    std::size_t send_at = 0;     ///< position in the block of the next byte to send
    std::size_t receive_at = 0;  ///< position in the delivered block of the next byte expected
    std::uint64_t frames_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t frame_goal = 0;  ///< stop before this frame
    bool can_send = true;          ///< nothing said otherwise since the last edge
    bool can_receive = true;
  };

  template <class Done>
  traffic_sample run(Done done, write_mode mode);
  bool send_some(traffic_flow& flow, write_mode mode);
  bool receive_some(traffic_flow& flow);
  bool move_all(write_mode mode);
  void wait_for_edges(bool block);
  void turn(write_mode mode);
  void finish_begun_frames();
  [[nodiscard]] bool all_arrived() const;
  [[nodiscard]] bool goals_reached() const;
  [[nodiscard]] std::uint64_t total_received_frames() const;

  std::vector<traffic_flow> flows_;
  const frame_block& block_;
  byte_view expected_;
  std::size_t sent_frame_bytes_;
  std::size_t received_frame_bytes_;
  unique_fd epoll_;
  byte_buffer input_;
};

}  // namespace flowersec::bench
