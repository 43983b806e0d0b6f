// Attaches at a given rate: channels come, are paired, and go. Open loop, no waiting for one another.
// Part of flowersec-load.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "clients.h"

namespace flowersec::load {

struct churn_outcome {
  std::uint64_t begun = 0;     ///< attaches
  std::uint64_t accepted = 0;  ///< attaches
  std::uint64_t refused = 0;   ///< by a close frame, an HTTP answer or the end of the connection
  std::string first_refusal = {};
};

class churn {
 public:
  churn(bench::tunnel_relay& tunnel, std::string family);
  ~churn();

  /// Both roles of `attaches_per_second` / 2 channels a second. When too many are under way the next ones are late.
  [[nodiscard]] churn_outcome run(std::chrono::nanoseconds duration, double attaches_per_second);

 private:
  struct connection;
  struct room;

  void begin_channel();
  void watch(connection& each);
  void advance(connection& each);
  void settle(connection& each, bool accepted, const std::string& why);

  bench::tunnel_relay& tunnel_;
  std::string family_;
  bench::unique_fd epoll_;
  std::vector<std::unique_ptr<room>> rooms_;
  std::vector<std::unique_ptr<room>> finished_;
  churn_outcome outcome_;
  std::uint64_t channels_ = 0;
};

}  // namespace flowersec::load
