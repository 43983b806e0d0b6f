// Thousands of channels that echo, calm and while others attach at a high rate.
// Part of flowersec-load. The latency is that of a few sampled channels; all others must only stay whole.
#include <algorithm>
#include <cmath>

#include "cases.h"
#include "churn.h"
#include "echo_crowd.h"
#include "scrape.h"
#include "worker.h"

namespace flowersec::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds sampled_interval{100};
constexpr double floor_us = 2000;
constexpr double noisy_floor_us = 100'000;  ///< of the small scale, which shares its machine with anything
constexpr double calm_factor = 3;

struct plan {
  std::size_t channels;
  std::size_t sampled;
  std::size_t generators;
  seconds phase;
  seconds others_interval;
  double attaches_per_second;
};

plan plan_of(const load_bench& bench) {
  if (bench.options().small) return {300, 20, 2, seconds{2}, seconds{2}, 200};
  return {9'500, 100, 4, seconds{20}, seconds{10}, 1'000};
}

/// Orders: the seconds to run. Answers: sent, returned, wrong, median and 99th percentile in microseconds.
worker start_crowd(bench::tunnel_relay& tunnel, const std::string& family, std::size_t channels,
                   std::chrono::nanoseconds interval) {
  return worker{[&tunnel, family, channels, interval](orders& parent) {
    echo_crowd crowd{attach_pairs(tunnel, family, channels)};
    parent.answer({static_cast<double>(channels)});
    while (const auto order = parent.next()) {
      const auto outcome = crowd.run(seconds{std::stoi(*order)}, interval);
      parent.answer({static_cast<double>(outcome.sent), static_cast<double>(outcome.returned),
                     static_cast<double>(outcome.wrong), percentile(outcome.round_trip_us, 0.5),
                     percentile(outcome.round_trip_us, 0.99)});
    }
  }};
}

/// Orders: the seconds to run. Answers: begun, accepted, refused.
worker start_churn(bench::tunnel_relay& tunnel, double rate) {
  return worker{[&tunnel, rate](orders& parent) {
    churn attaches{tunnel, "churn"};
    while (const auto order = parent.next()) {
      const auto outcome = attaches.run(seconds{std::stoi(*order)}, rate);
      if (outcome.refused != 0) return parent.fail("wrong refusal: " + outcome.first_refusal);
      parent.answer({static_cast<double>(outcome.begun), static_cast<double>(outcome.accepted)});
    }
  }};
}

struct phase_figures {
  double lost = 0;
  double wrong = 0;
  double messages = 0;
  double median_us = 0;
  double p99_us = 0;
};

class traffic {
 public:
  traffic(load_bench& bench, bench::tunnel_relay& tunnel) : plan_(plan_of(bench)) {
    crowds_.push_back(start_crowd(tunnel, "sampled", plan_.sampled, sampled_interval));
    const auto others = plan_.channels - plan_.sampled;
    for (std::size_t i = 0; i < plan_.generators; ++i) {
      const auto share = others / plan_.generators + (i < others % plan_.generators ? 1 : 0);
      crowds_.push_back(start_crowd(tunnel, "others" + std::to_string(i), share, plan_.others_interval));
    }
    churn_.emplace(start_churn(tunnel, plan_.attaches_per_second));
    for (auto& each : crowds_) static_cast<void>(each.answer(seconds{60}));
  }

  [[nodiscard]] phase_figures run(bool with_churn) {
    const auto order = std::to_string(plan_.phase.count());
    for (auto& each : crowds_) each.tell(order);
    if (with_churn) churn_->tell(order);
    phase_figures all;
    for (std::size_t i = 0; i < crowds_.size(); ++i) {
      const auto answer = crowds_[i].answer(plan_.phase + seconds{20});
      all.messages += answer.at(0);
      all.lost += answer.at(0) - answer.at(1);
      all.wrong += answer.at(2);
      if (i != 0) continue;
      all.median_us = answer.at(3);
      all.p99_us = answer.at(4);
    }
    if (with_churn) attached_ = churn_->answer(plan_.phase + seconds{20});
    return all;
  }

  [[nodiscard]] const plan& how() const noexcept { return plan_; }
  /// Begun and accepted while the traffic ran.
  [[nodiscard]] const figures& attached() const noexcept { return attached_; }

 private:
  plan plan_;
  std::vector<worker> crowds_;
  std::optional<worker> churn_;
  figures attached_;
};

}  // namespace

void run_traffic(load_bench& bench) {
  const auto tunnel = bench.start_tunnel();
  traffic load{bench, *tunnel};
  const auto& how = load.how();
  const auto cpu_before = tunnel->process().cpu_time();
  const auto calm = load.run(false);
  const auto cpu_between = tunnel->process().cpu_time();
  const auto busy = load.run(true);
  const auto cpu_after = tunnel->process().cpu_time();
  const auto counted = scrape(tunnel->metrics_port());

  const auto channels = std::to_string(how.channels) + " channels";
  const auto share = [&](auto cpu) {
    return bench::short_number(100 * std::chrono::duration<double>(cpu) / std::chrono::duration<double>(how.phase)) +
           " % of one processor";
  };
  const auto limit = std::max(calm_factor * calm.p99_us, bench.scaled(noisy_floor_us, floor_us));
  bench.add("load.calm", channels + " echoing, p99 round trip", "us", calm.p99_us, {},
            "median " + bench::short_number(calm.median_us) + " us, tunnel " + share(cpu_between - cpu_before));
  bench.add("load.busy", "the same with attaches, p99 round trip", "us", busy.p99_us, bench::goal{.limit = limit},
            "median " + bench::short_number(busy.median_us) + " us, tunnel " + share(cpu_after - cpu_between));
  bench.add("load.lost", "messages lost, late by seconds, or wrong", "",
            calm.lost + busy.lost + calm.wrong + busy.wrong, bench::goal{.limit = 0},
            "of " + bench::short_number(calm.messages + busy.messages));
  const auto accepted_per_second = load.attached().at(1) / std::chrono::duration<double>(how.phase).count();
  bench.add("load.attaches", "attaches per second meanwhile", "/s", accepted_per_second,
            bench::goal{.limit = 0.99 * how.attaches_per_second, .at_least = true});
  const auto expected = 2 * static_cast<double>(how.channels) + load.attached().at(1);
  const auto accepted = sum_of(counted, "flowersec_tunnel_attach_total{", "result=\"ok\"");
  const auto refused = sum_of(counted, "flowersec_tunnel_attach_total{", "result=\"fail\"");
  bench.add("load.refusals", "wrong refusals, and attaches the metrics miss", "",
            refused + std::abs(expected - accepted), bench::goal{.limit = 0},
            bench::short_number(accepted) + " attaches counted");
}

}  // namespace flowersec::load
