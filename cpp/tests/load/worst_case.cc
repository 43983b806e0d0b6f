// The formula of docs/LIMITS.md, "Worst memory of the process", with the process driven to it inside a cage of just
// that size. Part of flowersec-load.
#include <sys/socket.h>

#include <optional>

#include "cases.h"
#include "clients.h"
#include "floods.h"
#include "memory_cage.h"
#include "scrape.h"
#include "slow_authorizer.h"
#include "worker.h"
#include "worst_memory.h"

namespace flowersec::load {
namespace {

using bench::tunnel_relay;
using std::chrono::seconds;

/// Stalled both ways, with messages that cost a block much more room than budget.
constexpr std::size_t stalled_pairs = 120;
/// Without a peer, each with all it may send.
constexpr std::size_t waiting = 100;
constexpr std::size_t waiting_bytes = 256 * kib;
/// In the middle of their request.
constexpr std::size_t asking = 180;
/// Whose policy has begun to answer. Fewer than may be asked for at once, so that those who come later get theirs.
constexpr std::size_t undecided = 120;
/// Channels that have closed, with names as long as a token's text lets them be; statistics remember each.
constexpr std::size_t closed = 2'000;
constexpr std::size_t name_bytes = 240;
/// Of the page about all these, by clients who ask for it again and again and read nothing.
constexpr std::size_t stats_readers = 15;
/// For those who come when all that is there.
constexpr std::size_t spare = 20;

constexpr std::size_t max_conns = 2 * stalled_pairs + waiting + asking + undecided + spare;
constexpr memory_flags chosen{.max_conns = max_conns,
                              .max_channels = stalled_pairs + waiting + spare,
                              .max_total_queued_bytes = 32 * mib,
                              .max_replay_entries = 4 * max_conns + closed,
                              .threads = 2,
                              .name_bytes = name_bytes,
                              .statistics = true,
                              .authorizer = true};

void shrink_buffers(int fd) {
  const int small = 16 * kib;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

/// Channels that nothing but the statistics remembers.
void open_and_close(tunnel_relay& tunnel) {
  const std::string family(name_bytes - 10, 'n');
  for (std::size_t i = 0; i < closed; ++i) {
    const attached_client leaving{tunnel.port(), source_of(i), tunnel.next_channel(family).client};
  }
}

/// More pages than sockets can hold, so that one waits in the tunnel.
std::vector<bench::unique_fd> ask_for_statistics(tunnel_relay& tunnel) {
  std::string requests;
  for (int i = 0; i < 32; ++i) requests += "GET /stats/v1/bandwidth HTTP/1.1\r\nHost: t\r\n\r\n";
  std::vector<bench::unique_fd> readers;
  for (std::size_t i = 0; i < stats_readers; ++i) {
    readers.push_back(bench::connect_to(tunnel.stats_port()));
    shrink_buffers(readers.back().get());
    bench::write_all(readers.back().get(), as_bytes(requests));
  }
  return readers;
}

/// In three steps, the next at each order: what comes by itself, what waits for the authorizer, and what is ended in
/// seconds. Holds everything until there are no more orders.
void press(tunnel_relay& tunnel, orders& parent) {
  open_and_close(tunnel);
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
  parent.answer({});
  static_cast<void>(parent.next());
  std::vector<bench::unique_fd> held;
  for (std::size_t i = 0; i < undecided; ++i) {
    held.push_back(bench::connect_to(tunnel.port(), source_of(i)));
    bench::upgrade_to_websocket(held.back().get(), tunnel_relay::path, tunnel_relay::origin);
    bench::write_all(held.back().get(), tunnel.next_channel(kept_waiting).client);
  }
  parent.answer({});
  static_cast<void>(parent.next());
  const auto readers = ask_for_statistics(tunnel);
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
  worker authorizer{serve_slowly};
  const auto authorizer_port = static_cast<std::uint16_t>(authorizer.answer(seconds{10}).at(0));
  const auto text = [](std::size_t number) { return std::to_string(number); };
  std::optional<memory_cage> cage;
  const auto tunnel = bench.start_tunnel(
      {"--max-conns", text(chosen.max_conns), "--max-channels", text(chosen.max_channels), "--max-replay-entries",
       text(chosen.max_replay_entries), "--max-total-queued-bytes", text(chosen.max_total_queued_bytes), "--threads",
       text(chosen.threads), "--write-timeout", "5m", "--policy-request-timeout", "30s", "--attach-authorizer-url",
       authorizer_url(authorizer_port)});
  const auto pid = tunnel->process().pid();
  constexpr auto allowed = worst_user_bytes(chosen);
  cage.emplace(pid, allowed, worst_kernel_bytes(chosen));
  std::size_t peak = 0;
  double held = 0;
  double ended = 0;
  double answers = 0;
  // Blocks that nobody wants any more are given back meanwhile.
  constexpr double answers_goal = 0.8;
  bool alive = false;
  {
    worker pressure{[&](orders& parent) { press(*tunnel, parent); }};
    static_cast<void>(pressure.answer(seconds{120}));
    const auto before_answers = bench::resident_anonymous_bytes(pid);
    constexpr std::size_t all_answers = undecided * most_answer_bytes;
    const auto held_answers = [&] {
      return static_cast<double>(bench::resident_anonymous_bytes(pid)) - static_cast<double>(before_answers);
    };
    pressure.tell("answers");
    static_cast<void>(pressure.answer(seconds{30}));
    static_cast<void>(wait_until([&] { return held_answers() > answers_goal * all_answers; }, seconds{10}));
    answers = held_answers() / all_answers;
    pressure.tell("pages");
    static_cast<void>(pressure.answer(seconds{30}));
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
  bench.add("worst.answers", "of it, growth by unfinished answers of the authorizer, of their size", "", answers,
            bench::goal{.limit = answers_goal, .at_least = true}, std::to_string(undecided) + " answers of 1 MiB");
}

}  // namespace flowersec::load
