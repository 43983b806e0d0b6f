// What the tunnel holds: for connections that are idle, and for directions whose receiver does not read.
// Part of flowersec-bench. Noise-free: memory is counted, not timed.
#include "tunnel_relay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr double idle_goal_bytes = 2048;
constexpr double stalled_goal_bytes = static_cast<double>(relay_block_bytes) + 16 * 1024;
constexpr std::size_t traffic_message_bytes = 64 * 1024;

std::string mebibytes(std::size_t bytes) { return short_number(static_cast<double>(bytes) / 1048576) + " MiB"; }

row memory_row(std::string id, std::string title, double bytes, double limit, std::string detail) {
  return {.id = std::move(id),
          .title = std::move(title),
          .unit = "B",
          .figure = {bytes, bytes, bytes},
          .target = goal{.limit = limit},
          .detail = std::move(detail)};
}

void measure_idle(workbench& bench, std::size_t connections) {
  const auto tunnel = bench.fresh_tunnel();
  const auto pid = tunnel->process().pid();
  const auto before = resident_anonymous_bytes(pid);
  const auto per_connection = [&](std::size_t now) {
    return static_cast<double>(now - std::min(now, before)) / static_cast<double>(connections);
  };
  const auto report = [&](const std::string& when, const std::string& title) {
    const auto now = resident_anonymous_bytes(pid);
    bench.results().add(memory_row("memory.idle." + std::to_string(connections) + when,
                                   std::to_string(connections) + " idle connections" + title + ", each",
                                   per_connection(now), idle_goal_bytes, mebibytes(before) + " -> " + mebibytes(now)));
  };
  auto pairs = tunnel->connect(connections / 2);
  report("", "");
  const frame_block block{traffic_message_bytes};
  generator traffic{std::move(pairs), block, tunnel->what_arrives()};
  traffic.run_messages(1, write_mode::batched);
  report(".after", ", after traffic");
}

void measure_stalled(workbench& bench, std::size_t message_bytes, const std::string& id, const std::string& title) {
  constexpr std::size_t pairs = 16;
  const auto tunnel = bench.fresh_tunnel();
  const frame_block block{message_bytes};
  generator traffic{tunnel->connect(pairs), block, tunnel->what_arrives()};
  const auto before = resident_anonymous_bytes(tunnel->process().pid());
  const auto taken = traffic.flood_until_stalled(std::chrono::milliseconds{200});
  const auto after = resident_anonymous_bytes(tunnel->process().pid());
  const auto each = static_cast<double>(after - std::min(after, before)) / pairs;
  bench.results().add(memory_row(id, "Stalled direction, " + title, each, stalled_goal_bytes,
                                 mebibytes(taken / pairs) + " accepted from each sender, most of it by the kernel"));
}

}  // namespace

std::vector<bench_case> memory_cases() {
  return {
      {"memory.idle.2000", true, [](workbench& bench) { measure_idle(bench, 2'000); }},
      {"memory.idle.10000", false, [](workbench& bench) { measure_idle(bench, 10'000); }},
      {"memory.stalled.16k", true,
       [](workbench& bench) { measure_stalled(bench, 16 * 1024, "memory.stalled.16k", "16 KiB messages"); }},
      {"memory.stalled.1m", true,
       [](workbench& bench) { measure_stalled(bench, 1024 * 1024, "memory.stalled.1m", "1 MiB messages"); }},
  };
}

}  // namespace flowersec::bench
