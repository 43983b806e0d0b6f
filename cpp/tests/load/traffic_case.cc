// Thousands of channels that echo, calm and while others attach at a high rate.
// Part of flowersec-load. The latency is that of a few sampled channels; all others must only stay whole.
#include <algorithm>
#include <cmath>

#include "cases.h"
#include "churn.h"
#include "echo_crowd.h"
#include "scrape.h"
#include "support/standstill.h"
#include "worker.h"

namespace flowersec::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds sampled_interval{100};
constexpr double floor_us = 2000;
constexpr double noisy_floor_us = 100'000;  ///< of the small scale, which shares its machine with anything
/// Of the small scale, until one meets its goal or misses it on a machine that did not stand still; the last one counts
/// in any case.
constexpr int noisy_rounds = 5;
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

/// Calm, then busy, on the same channels.
struct round_figures {
  phase_figures calm;
  phase_figures busy;
  std::chrono::nanoseconds calm_cpu{};  ///< of the tunnel
  std::chrono::nanoseconds busy_cpu{};
  double p99_limit_us = 0;
  bool was_disturbed = false;  ///< the machine stood still

  [[nodiscard]] bool misses() const { return busy.p99_us > p99_limit_us; }
};

round_figures run_round(load_bench& bench, bench::tunnel_relay& tunnel, traffic& load) {
  round_figures all;
  testing::standstill_watch machine;
  const auto before = tunnel.process().cpu_time();
  all.calm = load.run(false);
  const auto between = tunnel.process().cpu_time();
  all.busy = load.run(true);
  all.calm_cpu = between - before;
  all.busy_cpu = tunnel.process().cpu_time() - between;
  all.p99_limit_us = std::max(calm_factor * all.calm.p99_us, bench.scaled(noisy_floor_us, floor_us));
  all.was_disturbed = machine.take() > std::chrono::nanoseconds{0};
  return all;
}

double failures(const phase_figures& phase) { return phase.lost + phase.wrong; }

}  // namespace

void run_traffic(load_bench& bench) {
  const auto tunnel = bench.start_tunnel();
  traffic load{bench, *tunnel};
  const auto& how = load.how();
  const int most_rounds = bench.scaled(noisy_rounds, 1);
  int rounds = 0;
  double messages = 0;
  double failed = 0;
  double attached = 0;
  round_figures last;
  do {
    last = run_round(bench, *tunnel, load);
    ++rounds;
    messages += last.calm.messages + last.busy.messages;
    failed += failures(last.calm) + failures(last.busy);
    attached += load.attached().at(1);
  } while (last.misses() && last.was_disturbed && rounds < most_rounds);
  const auto counted = scrape(tunnel->metrics_port());

  const auto channels = std::to_string(how.channels) + " channels";
  const auto behind = [&](const phase_figures& phase, std::chrono::nanoseconds cpu) {
    const auto share = 100 * std::chrono::duration<double>(cpu) / std::chrono::duration<double>(how.phase);
    return "median " + bench::short_number(phase.median_us) + " us, tunnel " + bench::short_number(share) +
           " % of one processor" + (rounds == 1 ? "" : ", round " + std::to_string(rounds));
  };
  bench.add("load.calm", channels + " echoing, p99 round trip", "us", last.calm.p99_us, {},
            behind(last.calm, last.calm_cpu));
  bench.add("load.busy", "the same with attaches, p99 round trip", "us", last.busy.p99_us,
            bench::goal{.limit = last.p99_limit_us}, behind(last.busy, last.busy_cpu));
  bench.add("load.lost", "messages lost, late by seconds, or wrong", "", failed, bench::goal{.limit = 0},
            "of " + bench::short_number(messages));
  const auto accepted_per_second = load.attached().at(1) / std::chrono::duration<double>(how.phase).count();
  bench.add("load.attaches", "attaches per second meanwhile", "/s", accepted_per_second,
            bench::goal{.limit = 0.99 * how.attaches_per_second, .at_least = true});
  const auto expected = 2 * static_cast<double>(how.channels) + attached;
  const auto accepted = sum_of(counted, "flowersec_tunnel_attach_total{", "result=\"ok\"");
  const auto refused = sum_of(counted, "flowersec_tunnel_attach_total{", "result=\"fail\"");
  bench.add("load.refusals", "wrong refusals, and attaches the metrics miss", "",
            refused + std::abs(expected - accepted), bench::goal{.limit = 0},
            bench::short_number(accepted) + " attaches counted");
}

}  // namespace flowersec::load
