// Forwarding: the tunnel's CPU per byte, its message rate and its round trip against other relays.
// Part of flowersec-bench.
#include <sched.h>

#include <thread>

#include "tunnel_relay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

using std::chrono::duration;

struct forwarding {
  std::string id;
  std::string title;
  std::size_t message_bytes;
  std::size_t pairs;
  write_mode mode;
  double goal_against_bytes;
  bool against_haproxy;
  bool against_beast;
};

constexpr double goal_against_haproxy = 0.85;
constexpr double goal_rate_against_beast = 8;
constexpr double goal_round_trip = 1.10;
constexpr double goal_second_thread = 1.15;
constexpr std::size_t kib = 1024;

/// One relay under one kind of traffic.
class contender {
 public:
  contender(relay& which, const frame_block& block, std::size_t pairs)
      : relay_(which), generator_(which.connect(pairs), block, which.what_arrives()) {}

  /// CPU seconds of the relay per message; the other figure is messages per second.
  reading cpu_per_message(std::chrono::nanoseconds time, write_mode mode) {
    const auto before = relay_.process().cpu_time();
    const auto sample = generator_.run_for(time, mode);
    const duration<double> cpu = relay_.process().cpu_time() - before;
    return {.value = cpu.count() / static_cast<double>(sample.messages),
            .other = static_cast<double>(sample.messages) / seconds(sample.elapsed),
            .generator_load = load(sample)};
  }

  reading round_trip(std::chrono::nanoseconds time) {
    const auto sample = generator_.ping_pong_for(time);
    return {.value = seconds(sample.elapsed) / static_cast<double>(sample.messages)};
  }

 private:
  static double seconds(std::chrono::nanoseconds time) { return duration<double>{time}.count(); }
  static double load(const traffic_sample& sample) { return seconds(sample.generator_cpu) / seconds(sample.elapsed); }

  relay& relay_;
  generator generator_;
};

std::string cpu_detail(const forwarding& what, const series& ours, const series& theirs, const std::string& other) {
  if (what.mode == write_mode::one_by_one) return absolute_figures(ours, theirs, 1e6, "us/message", other);
  return absolute_figures(ours, theirs, 1e9 / static_cast<double>(what.message_bytes), "CPU s/GB", other);
}

void measure_forwarding(workbench& bench, const forwarding& what) {
  const frame_block block{what.message_bytes};
  contender bytes{bench.byte_relay(), block, what.pairs};
  contender tunnel{bench.product(), block, what.pairs};
  std::vector<contender*> contenders{&bytes, &tunnel};
  std::optional<contender> haproxy;
  if (what.against_haproxy && bench.haproxy() != nullptr) {
    contenders.push_back(&haproxy.emplace(*bench.haproxy(), block, what.pairs));
  }
  std::optional<contender> beast;
  if (what.against_beast) contenders.push_back(&beast.emplace(bench.beast_relay(), block, what.pairs));

  std::vector<std::function<reading()>> probes;
  for (auto* each : contenders) {
    probes.emplace_back([&, each] { return each->cpu_per_message(bench.options().round_time, what.mode); });
  }
  const auto taken = take_turns(probes, bench.options().rounds);

  bench.results().add({.id = what.id + ".cpu",
                       .title = what.title + ", CPU against the byte relay",
                       .unit = "x",
                       .figure = ratio(taken[1], taken[0]),
                       .target = goal{.limit = what.goal_against_bytes},
                       .detail = cpu_detail(what, taken[1], taken[0], "bytes"),
                       .generator_load = generator_load(taken[1])});
  if (haproxy) {
    bench.results().add({.id = what.id + ".haproxy",
                         .title = what.title + ", CPU against haproxy",
                         .unit = "x",
                         .figure = ratio(taken[1], taken[2]),
                         .target = goal{.limit = goal_against_haproxy},
                         .detail = cpu_detail(what, taken[1], taken[2], "haproxy"),
                         .generator_load = generator_load(taken[1])});
  }
  if (beast) {
    bench.results().add({.id = what.id + ".beast",
                         .title = what.title + ", rate against Beast",
                         .unit = "x",
                         .figure = ratio(taken[1], taken.back(), &reading::other),
                         .target = goal{.limit = goal_rate_against_beast, .at_least = true},
                         .detail = short_number(values_of(taken[1], &reading::other).median / 1e6) + " M/s, Beast " +
                                   short_number(values_of(taken.back(), &reading::other).median / 1e6),
                         .generator_load = generator_load(taken[1])});
  }
}

/// Keeps a CPU out of its sleep states at the lowest priority: else a round trip measures how the machine wakes up.
class spinner {
 public:
  explicit spinner(int cpu)
      : thread_([cpu](const std::stop_token& stop) {
          pin_to_cpu(cpu);
          const sched_param parameters{};
          ::sched_setscheduler(0, SCHED_IDLE, &parameters);
          while (!stop.stop_requested()) {
          }
        }) {}

 private:
  std::jthread thread_;
};

void measure_round_trip(workbench& bench, std::size_t message_bytes, const std::string& id, const std::string& title) {
  const frame_block block{message_bytes, message_bytes};
  contender bytes{bench.byte_relay(), block, 1};
  contender tunnel{bench.product(), block, 1};
  const spinner relay_spinner{relay_cpu};
  const spinner generator_spinner{generator_cpu};
  const std::vector<std::function<reading()>> probes{
      [&] { return bytes.round_trip(bench.options().round_time); },
      [&] { return tunnel.round_trip(bench.options().round_time); },
  };
  const auto taken = take_turns(probes, bench.options().rounds);
  bench.results().add({.id = id,
                       .title = title,
                       .unit = "x",
                       .figure = ratio(taken[1], taken[0]),
                       .target = goal{.limit = goal_round_trip},
                       .detail = absolute_figures(taken[1], taken[0], 1e6, "us", "bytes")});
}

/// What a second thread costs a message, on the same CPU: a lock or a shared cache line would show, and so does the
/// scheduler's switching, which is why the goal is not 1.
void measure_second_thread(workbench& bench) {
  constexpr std::size_t pairs = 64;
  const auto with_threads = [&](std::string count) {
    return tunnel_relay{{.program = bench.options().tunnel_program,
                         .environment = bench.where().child_environment(),
                         .more_arguments = {"--threads", std::move(count)}}};
  };
  auto one = with_threads("1");
  auto two = with_threads("2");
  const frame_block block{kib};
  contender on_one{one, block, pairs};
  contender on_two{two, block, pairs};
  const std::vector<std::function<reading()>> probes{
      [&] { return on_one.cpu_per_message(bench.options().round_time, write_mode::batched); },
      [&] { return on_two.cpu_per_message(bench.options().round_time, write_mode::batched); },
  };
  const auto taken = take_turns(probes, bench.options().rounds);
  bench.results().add({.id = "threads.1k.64",
                       .title = "1 KiB batched, 64 pairs, CPU of two threads against one",
                       .unit = "x",
                       .figure = ratio(taken[1], taken[0]),
                       .target = goal{.limit = goal_second_thread},
                       .detail = absolute_figures(taken[1], taken[0], 1e6, "us/message", "one"),
                       .generator_load = generator_load(taken[1])});
}

std::vector<forwarding> forwardings() {
  constexpr double bulk = 1.20;
  constexpr double kilobyte = 1.25;
  constexpr double tiny = 1.30;
  using enum write_mode;
  return {
      {"relay.16k.1", "16 KiB, 1 pair", 16 * kib, 1, batched, bulk, true, false},
      {"relay.16k.64", "16 KiB, 64 pairs", 16 * kib, 64, batched, bulk, true, false},
      {"relay.64k.1", "64 KiB, 1 pair", 64 * kib, 1, batched, bulk, true, false},
      {"relay.64k.64", "64 KiB, 64 pairs", 64 * kib, 64, batched, bulk, true, false},
      {"relay.1m.1", "1 MiB, 1 pair", 1024 * kib, 1, batched, bulk, true, false},
      {"relay.1m.64", "1 MiB, 64 pairs", 1024 * kib, 64, batched, bulk, true, false},
      {"relay.1k.1", "1 KiB batched, 1 pair", kib, 1, batched, kilobyte, false, true},
      {"relay.1k.64", "1 KiB batched, 64 pairs", kib, 64, batched, kilobyte, false, true},
      {"relay.128.1", "128 B, one write each", 128, 1, one_by_one, tiny, false, false},
  };
}

}  // namespace

std::vector<bench_case> relay_cases() {
  std::vector<bench_case> cases;
  for (const auto& each : forwardings()) {
    cases.push_back({.id = each.id, .run = [each](workbench& bench) { measure_forwarding(bench, each); }});
  }
  cases.push_back({.id = "roundtrip.1k", .run = [](workbench& bench) {
                     measure_round_trip(bench, kib, "roundtrip.1k", "1 KiB there and back, against the byte relay");
                   }});
  cases.push_back({.id = "threads.1k.64", .run = measure_second_thread});
  return cases;
}

}  // namespace flowersec::bench
