// Minutes of churn, replacement and slow peers. Memory, descriptors and the number of metric series must not drift.
// Part of flowersec-load.
#include <sys/socket.h>

#include <algorithm>
#include <cmath>

#include "cases.h"
#include "churn.h"
#include "scrape.h"
#include "worker.h"

namespace flowersec::load {
namespace {

using bench::tunnel_relay;
using messages::tunnel::v1::role;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using steady = std::chrono::steady_clock;

constexpr seconds token_lifetime{10};
/// Before, nothing can stand still: replay entries stay for the lifetime, the skew of 30 s and a sweep; and it takes 80
/// s to close as many channels as are kept for the statistics (48000, at two attaches each).
constexpr seconds least_warm_up{90};
constexpr double warm_up_share = 0.4;

worker start_churn(tunnel_relay& tunnel, nanoseconds duration, double rate) {
  return worker{[&tunnel, duration, rate](orders& parent) {
    churn attaches{tunnel, "soak"};
    const auto outcome = attaches.run(duration, rate);
    if (outcome.refused != 0) return parent.fail("wrong refusal: " + outcome.first_refusal);
    parent.answer({static_cast<double>(outcome.accepted)});
  }};
}

bool has_ended(int fd) {
  std::byte byte{};
  return ::recv(fd, &byte, 1, 0) == 0;
}

/// A client and its peer are replaced by a newer client, who then waits for a newer peer.
bool replace_once(tunnel_relay& tunnel) {
  const auto room = tunnel.next_draft("replaced");
  const auto attach = [&](role who) {
    return attached_client{tunnel.port(), source_of(0), tunnel.attach_frame(room, who)};
  };
  const auto old_client = attach(role::client);
  const auto old_server = attach(role::server);
  const auto client = attach(role::client);
  if (!has_ended(old_client.fd()) || !has_ended(old_server.fd())) return false;
  const auto server = attach(role::server);
  bench::write_all(client.fd(), bench::client_frame(bench::frame_kind::binary, as_bytes("hello")));
  std::array<std::byte, 7> frame{};
  bench::read_exactly(server.fd(), frame);
  return as_text(frame).substr(2) == "hello";
}

worker start_replacer(tunnel_relay& tunnel, nanoseconds duration) {
  return worker{[&tunnel, duration](orders& parent) {
    double replaced = 0;
    const ticker beat{milliseconds{50}};
    for (const auto end = steady::now() + duration; steady::now() < end; beat.wait()) {
      if (!replace_once(tunnel)) return parent.fail("a replacement went wrong");
      ++replaced;
    }
    parent.answer({replaced});
  }};
}

/// Senders that always have more, and readers of whom half take little and half take nothing.
void run_slow_peers(tunnel_relay& tunnel, const bench::frame_block& block, nanoseconds duration) {
  constexpr std::size_t pairs = 8;
  const auto held = attach_pairs(tunnel, "slow", pairs);
  std::vector<std::size_t> position(pairs);
  const ticker beat{milliseconds{20}};
  for (const auto end = steady::now() + duration; steady::now() < end; beat.wait()) {
    for (std::size_t i = 0; i < pairs; ++i) {
      const auto rest = block.sent().subspan(position[i]);
      const auto sent = ::send(held[i].client.fd(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) position[i] = (position[i] + static_cast<std::size_t>(sent)) % block.sent().size();
      std::array<std::byte, 4096> taken{};
      if (i % 2 == 0) static_cast<void>(::recv(held[i].server.fd(), taken.data(), taken.size(), MSG_DONTWAIT));
    }
  }
}

worker start_slow_peers(tunnel_relay& tunnel, nanoseconds duration) {
  return worker{[&tunnel, duration](orders& parent) {
    constexpr seconds round{4};
    constexpr std::size_t message_bytes = 16 * 1024;
    const bench::frame_block block{message_bytes};
    double rounds = 0;
    for (const auto end = steady::now() + duration; steady::now() < end; ++rounds) {
      run_slow_peers(tunnel, block, std::min<nanoseconds>(round, end - steady::now()));
    }
    parent.answer({rounds});
  }};
}

struct drift {
  double growth = 0;  ///< along the straight line that fits best
  double noise = 0;   ///< standard deviation from it
};

drift drift_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double sum_x = 0;
  double sum_y = 0;
  double sum_xx = 0;
  double sum_xy = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto x = static_cast<double>(i);
    sum_x += x;
    sum_y += values[i];
    sum_xx += x * x;
    sum_xy += x * values[i];
  }
  const auto slope = (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
  const auto base = (sum_y - slope * sum_x) / n;
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto off = values[i] - (base + slope * static_cast<double>(i));
    squares += off * off;
  }
  return {slope * (n - 1), std::sqrt(squares / n)};
}

struct history {
  std::vector<double> memory;
  std::vector<double> descriptors;
  std::vector<double> series;
};

history watch(const tunnel_relay& tunnel, nanoseconds duration) {
  history seen;
  const auto pid = tunnel.process().pid();
  const auto warm_up =
      std::max<nanoseconds>(least_warm_up, std::chrono::duration_cast<nanoseconds>(warm_up_share * duration));
  const ticker beat{std::clamp<nanoseconds>(duration / 200, milliseconds{200}, seconds{5})};
  const auto start = steady::now();
  for (beat.wait(); steady::now() - start < duration; beat.wait()) {
    // Scraped from the beginning: that is part of the load.
    const auto counted = scrape(tunnel.metrics_port());
    if (steady::now() - start < warm_up) continue;
    seen.memory.push_back(static_cast<double>(bench::resident_anonymous_bytes(pid)));
    seen.descriptors.push_back(static_cast<double>(open_descriptors(pid)));
    seen.series.push_back(static_cast<double>(counted.size()));
  }
  if (seen.memory.size() < 2) throw bench::bench_error("the soak is too short to say anything");
  return seen;
}

}  // namespace

void run_soak(load_bench& bench) {
  constexpr double attaches_per_second = 1'200;
  constexpr double least_memory_goal = 1024 * 1024;
  constexpr double least_descriptor_goal = 8;
  const auto duration = std::chrono::duration_cast<nanoseconds>(
      std::chrono::duration<double, std::ratio<60>>{bench.options().soak_minutes});
  if (duration < 2 * least_warm_up) throw bench::bench_error("--minutes: a soak of less than 3 minutes says nothing");
  const auto tunnel = bench.start_tunnel({"--write-timeout", "2s"}, token_lifetime);
  const auto pid = tunnel->process().pid();
  const auto descriptors_before = open_descriptors(pid);
  auto attaches = start_churn(*tunnel, duration, attaches_per_second);
  auto replacer = start_replacer(*tunnel, duration);
  auto slow = start_slow_peers(*tunnel, duration);
  const auto seen = watch(*tunnel, duration);

  constexpr seconds patience{30};
  const auto accepted = attaches.answer(patience).at(0);
  const auto replaced = replacer.answer(patience).at(0);
  const auto rounds = slow.answer(patience).at(0);
  for (auto* each : {&attaches, &replacer, &slow}) each->finish();
  bench.add("soak.attaches", "attaches accepted, none refused", "", accepted,
            bench::goal{.limit = 0.95 * attaches_per_second * std::chrono::duration<double>(duration).count(),
                        .at_least = true},
            bench::short_number(replaced) + " replacements, " + bench::short_number(rounds) + " rounds of slow peers");
  const auto memory = drift_of(seen.memory);
  bench.add("soak.memory", "drift of memory", "B", memory.growth,
            bench::goal{.limit = std::max(least_memory_goal, 2 * memory.noise)},
            "at " + mebibytes(seen.memory.back()) + ", noise " + mebibytes(memory.noise) + ", " +
                std::to_string(seen.memory.size()) + " looks");
  const auto descriptors = drift_of(seen.descriptors);
  bench.add("soak.descriptors", "drift of descriptors", "", descriptors.growth,
            bench::goal{.limit = std::max(least_descriptor_goal, 2 * descriptors.noise)},
            "noise " + bench::short_number(descriptors.noise));
  const auto [least, most] = std::ranges::minmax(seen.series);
  bench.add("soak.series", "metric series more at the end than at the beginning", "", most - least,
            bench::goal{.limit = 0}, bench::short_number(most) + " series");
  static_cast<void>(wait_until([&] { return open_descriptors(pid) == descriptors_before; }, seconds{20}));
  bench.add("soak.left", "descriptors more than before, all gone", "",
            static_cast<double>(open_descriptors(pid)) - static_cast<double>(descriptors_before),
            bench::goal{.limit = 0});
}

}  // namespace flowersec::load
