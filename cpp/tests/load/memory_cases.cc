// What idle connections cost, and what remains when all have left.
// Part of flowersec-load. Memory is what the process allocated and touched (RssAnon); the replay entry of each
// connection is part of it.
#include <algorithm>

#include "cases.h"
#include "clients.h"
#include "scrape.h"
#include "worker.h"

namespace flowersec::load {
namespace {

using bench::resident_anonymous_bytes;
using std::chrono::seconds;

constexpr double plain_goal_bytes = 2048;
constexpr double tls_goal_bytes = 20 * 1024;
constexpr std::size_t most_pairs_per_generator = 2'500;
constexpr seconds attach_patience{120};

/// Generators that hold idle pairs until they are finished. TLS when there is an identity to serve with.
std::vector<worker> hold_pairs(bench::tunnel_relay& tunnel, std::size_t pairs, bool tls) {
  std::vector<worker> holders;
  for (std::size_t begun = 0; begun < pairs;) {
    const auto share = std::min(most_pairs_per_generator, pairs - begun);
    holders.emplace_back([&tunnel, family = "idle" + std::to_string(begun), share, tls](orders& parent) {
      const auto context = tls ? bench::make_client_context() : bench::tls_context{};
      const auto held = attach_pairs(tunnel, family, share, context.get());
      parent.answer({static_cast<double>(held.size())});
      static_cast<void>(parent.next());
    });
    begun += share;
  }
  for (auto& each : holders) static_cast<void>(each.answer(attach_patience));
  return holders;
}

std::string from_to(std::size_t before, std::size_t now) {
  return mebibytes(static_cast<double>(before)) + " -> " + mebibytes(static_cast<double>(now));
}

void measure_idle(load_bench& bench, std::size_t connections, bool tls) {
  const bench::tls_identity identity;
  const auto tunnel = bench.start_tunnel(tls ? std::vector<std::string>{"--tls-cert-file", identity.certificate_file(),
                                                                        "--tls-key-file", identity.key_file()}
                                             : std::vector<std::string>{});
  const auto pid = tunnel->process().pid();
  const auto before = resident_anonymous_bytes(pid);
  const auto holders = hold_pairs(*tunnel, connections / 2, tls);
  const auto now = resident_anonymous_bytes(pid);
  const std::string kind = tls ? "idle TLS" : "idle";
  bench.add(tls ? "memory.tls" : "memory.idle", std::to_string(connections) + ' ' + kind + " connections, each", "B",
            static_cast<double>(now - before) / static_cast<double>(connections),
            bench::goal{.limit = tls ? tls_goal_bytes : plain_goal_bytes}, from_to(before, now));
}

}  // namespace

void run_idle(load_bench& bench) { measure_idle(bench, bench.scaled<std::size_t>(2'000, 19'000), false); }

void run_idle_tls(load_bench& bench) {
  // The metrics listener speaks TLS too, and nobody asks it here.
  measure_idle(bench, bench.scaled<std::size_t>(500, 19'000), true);
}

void run_return(load_bench& bench) {
  const seconds token_lifetime = bench.scaled(seconds{3}, seconds{15});
  constexpr double goal_share = 0.1;
  // The longest that anything is remembered, and the turn of the sweep.
  const seconds retention = bench.scaled(seconds{60}, seconds{170});
  const auto connections = bench.scaled<std::size_t>(16'000, 19'000);
  // Statistics would make the small case two minutes long.
  const auto tunnel = bench.start_tunnel({}, token_lifetime, bench.scaled(false, true));
  const auto pid = tunnel->process().pid();
  const auto descriptors_before = open_descriptors(pid);
  const auto before = resident_anonymous_bytes(pid);
  auto holders = hold_pairs(*tunnel, connections / 2, false);
  const auto peak = resident_anonymous_bytes(pid);
  for (auto& each : holders) each.finish();
  const auto gone = [&] { return open_descriptors(pid) == descriptors_before; };
  const bool all_gone = wait_until(gone, seconds{20});
  bench.add("return.descriptors", "descriptors more than before, all gone", "",
            static_cast<double>(open_descriptors(pid)) - static_cast<double>(descriptors_before),
            bench::goal{.limit = 0}, all_gone ? "" : "after 20 s");
  const auto grown = [&](std::size_t now) { return static_cast<double>(now) - static_cast<double>(before); };
  const auto left = std::chrono::steady_clock::now();
  static_cast<void>(
      wait_until([&] { return grown(resident_anonymous_bytes(pid)) <= goal_share * grown(peak); }, retention));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - left;
  const auto now = resident_anonymous_bytes(pid);
  bench.add("return.memory", "memory kept of the growth by " + std::to_string(connections) + " connections", "",
            grown(now) / grown(peak), bench::goal{.limit = goal_share},
            from_to(before, peak) + " -> " + mebibytes(static_cast<double>(now)) + " after " +
                bench::short_number(took.count()) + " s");
}

}  // namespace flowersec::load
