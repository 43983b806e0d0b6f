// Peers that make the tunnel hold what it must not hold much of: readers that never read, senders without a peer.
// Part of flowersec-load.
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "cases.h"
#include "clients.h"
#include "floods.h"
#include "scrape.h"
#include "worker.h"

namespace flowersec::load {
namespace {

using bench::resident_anonymous_bytes;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double mib = 1024 * 1024;
/// What a stalled direction may hold beyond its one block.
constexpr double stall_slack_bytes = 16 * 1024;
constexpr double block_bytes = 132 * 1024;

/// The highest memory seen while `flood` works.
std::size_t peak_while(worker& flood, pid_t pid, seconds duration) {
  std::size_t peak = 0;
  const auto deadline = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < deadline) {
    if (flood.answer_within(milliseconds{50})) break;
    peak = std::max(peak, resident_anonymous_bytes(pid));
  }
  return std::max(peak, resident_anonymous_bytes(pid));
}

void wait_for_end(int fd) {
  std::array<std::byte, 64> bytes{};
  while (::recv(fd, bytes.data(), bytes.size(), 0) > 0) {
  }
}

}  // namespace

void run_stuck(load_bench& bench) {
  constexpr std::size_t pairs = 16;
  const auto duration = bench.scaled(seconds{3}, seconds{60});
  const auto tunnel = bench.start_tunnel({"--write-timeout", "5m"});
  const auto pid = tunnel->process().pid();
  worker flood{[&](orders& parent) {
    auto held = attach_pairs(*tunnel, "stuck", pairs);
    parent.answer({});
    std::vector<int> senders;
    for (const auto& each : held) senders.push_back(each.client.fd());
    constexpr std::size_t message_bytes = 1024 * 1024;
    const bench::frame_block block{message_bytes};
    static_cast<void>(parent.next());
    parent.answer({flood_all(senders, block.sent(), duration)});
    static_cast<void>(parent.next());
  }};
  static_cast<void>(flood.answer(seconds{10}));
  const auto before = resident_anonymous_bytes(pid);
  flood.tell("go");
  const auto peak = peak_while(flood, pid, duration - seconds{1});
  const auto ended = sum_of(scrape(tunnel->metrics_port()), "flowersec_tunnel_close_total{");
  bench.add("stuck.memory", "memory for one stuck reader, " + std::to_string(duration.count()) + " s", "B",
            static_cast<double>(peak - before) / pairs, bench::goal{.limit = block_bytes + stall_slack_bytes},
            mebibytes(static_cast<double>(before)) + " -> " + mebibytes(static_cast<double>(peak)) + ", " +
                std::to_string(pairs) + " channels with messages of 1 MiB");
  bench.add("stuck.ended", "channels ended meanwhile", "", ended, bench::goal{.limit = 0});
}

void run_pending(load_bench& bench) {
  constexpr double budget_bytes = 16 * mib;
  // The buffers of what waits grow by doubling; the rest is for the connections themselves.
  constexpr std::size_t within_pending_limit = 250'000;
  constexpr std::size_t overflowing = 20;
  constexpr double limit_bytes = 2 * budget_bytes + 4 * mib;
  const auto connections = bench.scaled<std::size_t>(200, 1'000);
  const auto budget_text = std::to_string(static_cast<std::int64_t>(budget_bytes));
  const auto tunnel = bench.start_tunnel({"--max-total-queued-bytes", budget_text});
  const auto pid = tunnel->process().pid();
  const auto before = resident_anonymous_bytes(pid);
  worker flood{[&](orders& parent) {
    std::vector<attached_client> held;
    constexpr std::size_t message_bytes = 1000;
    const bench::frame_block block{message_bytes, within_pending_limit};
    for (std::size_t i = 0; i < connections; ++i) {
      held.emplace_back(tunnel->port(), source_of(i), tunnel->next_channel("pending").client);
      // Some go beyond their own limit before there is a crowd; the others stay within it, so that only the budget can
      // end them.
      const int fd = held.back().fd();
      for (int rounds = i < overflowing ? 2 : 1; rounds > 0; --rounds) {
        static_cast<void>(::send(fd, block.sent().data(), block.sent().size(), MSG_NOSIGNAL));
      }
      if (i < overflowing) wait_for_end(fd);
    }
    parent.answer({});
    static_cast<void>(parent.next());
  }};
  const auto peak = peak_while(flood, pid, seconds{30});
  const auto counted = scrape(tunnel->metrics_port());
  bench.add("pending.memory", std::to_string(connections) + " senders without a peer, budget 16 MiB", "MiB",
            static_cast<double>(peak - before) / mib, bench::goal{.limit = limit_bytes / mib});
  const auto held_mib = counted.at("flowersec_tunnel_queued_bytes") / mib;
  bench.add("pending.held", "bytes the tunnel says it holds", "MiB", held_mib,
            bench::goal{.limit = budget_bytes / mib});
  bench.add("pending.reached", "the same, at least", "MiB", held_mib,
            bench::goal{.limit = 0.9 * budget_bytes / mib, .at_least = true});
  const auto ended = [&](const char* reason) { return sum_of(counted, "flowersec_tunnel_close_total{", reason); };
  bench.add("pending.overflow", "senders ended by their own limit", "", ended("pending_overflow"),
            bench::goal{.limit = static_cast<double>(overflowing), .at_least = true});
  bench.add("pending.exhausted", "senders ended by the budget", "", ended("resource_exhausted"),
            bench::goal{.limit = 1, .at_least = true});
}

}  // namespace flowersec::load
