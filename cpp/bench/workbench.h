// What every case of the benchmark is given: the options, the relays already running, the table to fill.
// Part of flowersec-bench.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "environment.h"
#include "relay.h"
#include "table.h"

namespace flowersec::bench {

struct bench_options {
  int rounds = 9;
  std::chrono::milliseconds round_time{150};
  bool quick = false;             ///< only what noise cannot touch
  bool json = false;              ///< JSON instead of the table on stdout
  std::vector<std::string> only;  ///< cases to run; empty: all
  std::string tunnel_program;     ///< flowersec-tunnel
  bool null_test = false;         ///< a second byte relay in the tunnel's place: every ratio should be 1
};

class tunnel_relay;

class workbench {
 public:
  workbench(bench_options chosen, environment where);
  ~workbench();

  [[nodiscard]] const bench_options& options() const noexcept { return options_; }
  [[nodiscard]] const environment& where() const noexcept { return where_; }
  [[nodiscard]] table& results() noexcept { return results_; }

  /// Relays shared by the cases, started when first asked for. haproxy() may be nullptr.
  [[nodiscard]] relay& byte_relay();
  [[nodiscard]] relay& beast_relay();
  [[nodiscard]] relay* haproxy();
  [[nodiscard]] tunnel_relay& tunnel();
  /// What is compared: the tunnel, or in a null test another byte relay.
  [[nodiscard]] relay& product();
  /// One that has carried nothing yet.
  [[nodiscard]] std::unique_ptr<tunnel_relay> fresh_tunnel(std::vector<std::string> more_environment = {}) const;

 private:
  bench_options options_;
  environment where_;
  table results_;
  std::unique_ptr<relay> byte_relay_;
  std::unique_ptr<relay> beast_relay_;
  std::unique_ptr<relay> haproxy_;
  std::unique_ptr<tunnel_relay> tunnel_;
  std::unique_ptr<relay> null_relay_;
};

struct bench_case {
  std::string id;
  bool in_quick = false;  ///< free of noise: counts, not times
  std::function<void(workbench&)> run;
};

/// The cases of each subject, in the order in which they are run and reported.
[[nodiscard]] std::vector<bench_case> relay_cases();
[[nodiscard]] std::vector<bench_case> memory_cases();
[[nodiscard]] std::vector<bench_case> attach_cases();
[[nodiscard]] std::vector<bench_case> replay_cases();
[[nodiscard]] std::vector<bench_case> tls_cases();
[[nodiscard]] std::vector<bench_case> record_cases();
[[nodiscard]] std::vector<bench_case> handshake_cases();
[[nodiscard]] std::vector<bench_case> codec_cases();
[[nodiscard]] std::vector<bench_case> session_cases();
[[nodiscard]] std::vector<bench_case> count_cases();

}  // namespace flowersec::bench
