// The formula of docs/LIMITS.md, "Worst memory of the process", with the process driven to it inside a cage of just
// that size. Part of flowersec-load.
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "cases.h"
#include "clients.h"
#include "floods.h"
#include "memory_cage.h"
#include "scrape.h"
#include "worker.h"

namespace flowersec::load {
namespace {

using bench::tunnel_relay;
using std::chrono::seconds;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

/// Stalled both ways, with messages that cost a block much more room than budget.
constexpr std::size_t stalled_pairs = 120;
/// Without a peer, each with all it may send.
constexpr std::size_t waiting = 100;
constexpr std::size_t waiting_bytes = 256 * kib;
/// In the middle of their request.
constexpr std::size_t asking = 180;
/// For those who come when all that is there.
constexpr std::size_t spare = 20;

struct flags {
  std::size_t max_conns = 2 * stalled_pairs + waiting + asking + spare;
  std::size_t max_channels = stalled_pairs + waiting + spare;
  std::size_t max_total_queued_bytes = 32 * mib;
  std::size_t max_replay_entries = 4 * max_conns;
  std::size_t threads = 2;
};

/// docs/LIMITS.md, "Worst memory of the process".
std::size_t worst_user_bytes(const flags& f) {
  constexpr std::size_t most_stalled_blocks = 4096;
  return 16 * mib + f.threads * 10 * mib + f.max_conns * (2 * kib + 40 * kib) + f.max_replay_entries * 128 +
         std::min(most_stalled_blocks, 2 * f.max_channels) * 132 * kib +
         2 * (f.max_total_queued_bytes + f.max_channels * 32 * kib);
}
std::size_t worst_kernel_bytes(const flags& f) { return f.max_conns * 10 * kib; }

void shrink_buffers(int fd) {
  const int small = 16 * kib;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

/// Holds everything until there are no more orders.
void press(tunnel_relay& tunnel, orders& parent) {
  auto pairs = attach_pairs(tunnel, "stalled", stalled_pairs);
  std::vector<int> senders;
  for (const auto& each : pairs) senders.insert(senders.end(), {each.client.fd(), each.server.fd()});
  std::ranges::for_each(senders, shrink_buffers);
  const bench::frame_block tiny{1};
  static_cast<void>(flood_all(senders, tiny.sent(), seconds{4}));

  constexpr std::size_t message_bytes = 16 * kib;
  const bench::frame_block block{message_bytes, waiting_bytes};
  std::vector<attached_client> waiters;
  for (std::size_t i = 0; i < waiting; ++i) {
    waiters.emplace_back(tunnel.port(), source_of(i), tunnel.next_channel("waiting").client);
    bench::write_all(waiters.back().fd(), block.sent());
  }
  std::vector<bench::unique_fd> askers;
  const std::string head = "GET /ws HTTP/1.1\r\nHost: t\r\nCookie: " + std::string(31 * kib, 'x');
  for (std::size_t i = 0; i < asking; ++i) {
    askers.push_back(bench::connect_to(tunnel.port(), source_of(i)));
    bench::write_all(askers.back().get(), as_bytes(head));
  }
  parent.answer({});
  static_cast<void>(parent.next());
}

/// Whether a message still goes through.
bool serves(tunnel_relay& tunnel) {
  const auto pair = attach_pairs(tunnel, "fresh", 1);
  bench::write_all(pair[0].client.fd(), bench::client_frame(bench::frame_kind::binary, as_bytes("hello")));
  std::array<std::byte, 7> frame{};
  bench::read_exactly(pair[0].server.fd(), frame);
  return as_text(frame).substr(2) == "hello";
}

}  // namespace

void run_worst_case(load_bench& bench) {
  const flags chosen;
  const auto text = [](std::size_t number) { return std::to_string(number); };
  std::optional<memory_cage> cage;
  const auto tunnel = bench.start_tunnel(
      {"--max-conns", text(chosen.max_conns), "--max-channels", text(chosen.max_channels), "--max-replay-entries",
       text(chosen.max_replay_entries), "--max-total-queued-bytes", text(chosen.max_total_queued_bytes), "--threads",
       text(chosen.threads), "--write-timeout", "5m"});
  const auto pid = tunnel->process().pid();
  const auto allowed = worst_user_bytes(chosen);
  cage.emplace(pid, allowed, worst_kernel_bytes(chosen));
  std::size_t peak = 0;
  double held = 0;
  double ended = 0;
  bool alive = false;
  {
    worker pressure{[&](orders& parent) { press(*tunnel, parent); }};
    static_cast<void>(pressure.answer(seconds{60}));
    alive = serves(*tunnel);
    peak = bench::resident_anonymous_bytes(pid);
    const auto counted = scrape(tunnel->metrics_port());
    held = counted.at("flowersec_tunnel_queued_bytes");
    ended = sum_of(counted, "flowersec_tunnel_resource_exhausted_total{");
  }
  bench.add("worst.serving", "still serving in a cage of the worst case's size", "", alive ? 1 : 0,
            bench::goal{.limit = 1, .at_least = true}, cage->kind() + " of " + mebibytes(static_cast<double>(allowed)));
  bench.add("worst.memory", "memory then, of the formula's", "",
            static_cast<double>(peak) / static_cast<double>(allowed), bench::goal{.limit = 1},
            mebibytes(static_cast<double>(peak)) + ", " + mebibytes(held) + " of it charged to the budgets");
  bench.add("worst.pressure", "the same, driven at least this far", "",
            static_cast<double>(peak) / static_cast<double>(allowed), bench::goal{.limit = 0.3, .at_least = true},
            bench::short_number(ended) + " channels ended by a budget");
}

}  // namespace flowersec::load
