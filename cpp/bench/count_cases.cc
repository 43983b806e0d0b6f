// System calls and heap allocations of the tunnel per message that it forwards: counts, free of noise.
// Part of flowersec-bench.
#include "observers.h"
#include "tunnel_relay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

struct counted_traffic {
  std::string id;
  std::string title;
  std::size_t message_bytes;
  write_mode mode;
  std::uint64_t messages;
};

constexpr std::size_t kib = 1024;

std::vector<counted_traffic> counted() {
  using enum write_mode;
  return {
      {"128", "128 B, one write each", 128, one_by_one, 20'000},
      {"1k", "1 KiB batched", kib, batched, 100'000},
      {"64k", "64 KiB", 64 * kib, batched, 4'000},
      {"1m", "1 MiB", 1024 * kib, batched, 256},
  };
}

row count_row(std::string id, std::string title, double count, std::string detail) {
  return {.id = std::move(id),
          .title = std::move(title),
          .unit = "/msg",
          .figure = {count, count, count},
          .detail = std::move(detail)};
}

void count_allocations(workbench& bench, const counted_traffic& what) {
  const allocation_counter allocations;
  const auto tunnel = bench.fresh_tunnel(allocations.environment());
  if (allocations.count() == 0) throw bench_error("the tunnel's allocations cannot be counted");
  const frame_block block{what.message_bytes};
  constexpr std::size_t pairs = 4;
  generator traffic{tunnel->connect(pairs), block, tunnel->what_arrives()};
  // Once before, so that blocks taken from the pool the first time are not counted.
  static_cast<void>(traffic.run_messages(what.messages / pairs, what.mode));
  const auto before = allocations.count();
  const auto sample = traffic.run_messages(what.messages / pairs, what.mode);
  const auto made = allocations.count() - before;
  auto found = count_row("allocations." + what.id, "Allocations per message, " + what.title,
                         static_cast<double>(made) / static_cast<double>(sample.messages),
                         std::to_string(made) + " in " + std::to_string(sample.messages) + " messages");
  found.target = goal{.limit = 0};
  bench.results().add(std::move(found));
}

void count_system_calls(workbench& bench, const counted_traffic& what) {
  if (!system_call_watch::available()) throw bench_error("strace is not installed");
  const auto tunnel = bench.fresh_tunnel();
  const frame_block block{what.message_bytes};
  generator traffic{tunnel->connect(1), block, tunnel->what_arrives()};
  static_cast<void>(traffic.run_messages(1, what.mode));
  system_call_watch watch{tunnel->process().pid()};
  const auto sample = traffic.run_messages(what.messages / 4, what.mode);
  const auto counts = watch.stop();
  const auto messages = static_cast<double>(sample.messages);
  bench.results().add(count_row("syscalls." + what.id, "System calls per message, " + what.title,
                                static_cast<double>(counts.total()) / messages, counts.most_frequent(messages)));
}

}  // namespace

std::vector<bench_case> count_cases() {
  std::vector<bench_case> cases;
  for (const auto& each : counted()) {
    cases.push_back({"allocations." + each.id, true, [each](workbench& bench) { count_allocations(bench, each); }});
  }
  for (const auto& each : counted()) {
    cases.push_back({"syscalls." + each.id, true, [each](workbench& bench) { count_system_calls(bench, each); }});
  }
  return cases;
}

}  // namespace flowersec::bench
