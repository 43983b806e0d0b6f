// The cases of flowersec-load and what each is given.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "environment.h"
#include "table.h"
#include "tunnel_relay.h"

namespace flowersec::load {

struct load_options {
  bool small = false;  ///< seconds instead of minutes, hundreds instead of thousands
  std::string tunnel_program;
  double soak_minutes = 30;
};

/// What a case may use, and where it puts its figures.
class load_bench {
 public:
  load_bench(load_options chosen, bench::environment where) : options_(std::move(chosen)), where_(std::move(where)) {}

  [[nodiscard]] const load_options& options() const noexcept { return options_; }
  template <class T>
  [[nodiscard]] T scaled(T small, T full) const {
    return options_.small ? small : full;
  }
  [[nodiscard]] bench::table& results() noexcept { return results_; }
  /// With metrics, and with limits that only the arguments lower.
  [[nodiscard]] std::unique_ptr<bench::tunnel_relay> start_tunnel(
      std::vector<std::string> arguments = {}, std::chrono::seconds token_lifetime = std::chrono::hours{1},
      bool statistics = true) const;
  void add(std::string id, std::string title, std::string unit, double figure, std::optional<bench::goal> target,
           std::string detail = {});

 private:
  load_options options_;
  bench::environment where_;
  bench::table results_;
};

struct load_case {
  std::string id;
  bool by_name_only = false;
  void (*run)(load_bench&) = nullptr;
};

[[nodiscard]] const std::vector<load_case>& all_cases();

void run_traffic(load_bench& bench);         ///< traffic_case.cc
void run_idle(load_bench& bench);            ///< memory_cases.cc
void run_idle_tls(load_bench& bench);        ///< memory_cases.cc
void run_return(load_bench& bench);          ///< memory_cases.cc
void run_stuck(load_bench& bench);           ///< budget_cases.cc
void run_pending(load_bench& bench);         ///< budget_cases.cc
void run_worst_case(load_bench& bench);      ///< worst_case.cc
void run_worst_case_tls(load_bench& bench);  ///< worst_case_tls.cc
void run_soak(load_bench& bench);            ///< soak_case.cc

/// "12.3 MiB"
[[nodiscard]] std::string mebibytes(double bytes);

}  // namespace flowersec::load
