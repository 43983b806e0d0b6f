// Channels whose clients send at regular times and whose servers echo. Open loop: a message is sent when it is due,
// whether or not the ones before came back, and its time counts from when it was due.
// Part of flowersec-load.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "clients.h"

namespace flowersec::load {

inline constexpr std::size_t echo_payload_bytes = 256;

struct echo_outcome {
  std::uint64_t sent = 0;
  std::uint64_t returned = 0;
  std::uint64_t wrong = 0;  ///< connections that ended or brought something else
  std::vector<double> round_trip_us = {};
};

class echo_crowd {
 public:
  explicit echo_crowd(std::vector<attached_pair> pairs);

  /// Each channel sends once per `interval`, spread evenly over it. What is not back some seconds after the last
  /// message is lost.
  [[nodiscard]] echo_outcome run(std::chrono::nanoseconds duration, std::chrono::nanoseconds interval);

 private:
  static constexpr std::size_t delivered_bytes = 4 + echo_payload_bytes;
  struct endpoint {
    std::array<std::byte, delivered_bytes> input;
    std::size_t arrived = 0;
  };
  struct line {
    endpoint client;
    endpoint server;
    std::uint64_t sent = 0;
    std::uint64_t returned = 0;
  };

  void send_due(std::size_t index, std::int64_t due_ns);
  void receive(std::size_t index, bool at_server);
  void on_message(std::size_t index, bool at_server);
  void note_wrong(int fd);

  std::vector<attached_pair> pairs_;
  std::vector<line> lines_;
  bench::unique_fd epoll_;
  echo_outcome outcome_;
};

[[nodiscard]] double percentile(std::vector<double> values, double share);

}  // namespace flowersec::load
