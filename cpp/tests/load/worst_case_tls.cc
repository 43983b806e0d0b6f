// The worst memory of a tunnel that speaks TLS, by clients that stall, wait and hesitate inside it.
// Part of flowersec-load.
#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "cases.h"
#include "memory_cage.h"
#include "tls.h"
#include "worker.h"
#include "worst_memory.h"

namespace flowersec::load {
namespace {

using bench::tls_connection;
using bench::tunnel_relay;
using std::chrono::seconds;

/// Stalled both ways.
constexpr std::size_t stalled_pairs = 120;
/// Without a peer, each with all it may send.
constexpr std::size_t waiting = 100;
constexpr std::size_t waiting_bytes = 256 * kib;
/// Without a peer, and without a word.
constexpr std::size_t idle = 100;
/// In the middle of their request.
constexpr std::size_t asking = 200;
constexpr std::size_t spare = 20;

constexpr memory_flags chosen{.max_conns = 2 * stalled_pairs + waiting + idle + asking + spare,
                              .max_channels = stalled_pairs + waiting + idle + spare,
                              .max_total_queued_bytes = 32 * mib,
                              .max_replay_entries = 10'000,
                              .threads = 2,
                              .tls = true};

class visitors {
 public:
  explicit visitors(tunnel_relay& tunnel) : tunnel_(tunnel) {}

  tls_connection& connect() {
    all_.push_back(std::make_unique<tls_connection>(context_.get(), tunnel_.port(), source()));
    return *all_.back();
  }
  tls_connection& attach(const byte_buffer& frame) {
    auto& made = connect();
    made.upgrade(tunnel_relay::path, tunnel_relay::origin);
    made.write(frame);
    made.write(bench::ping_frame);
    std::array<std::byte, bench::pong_frame.size()> answer{};
    made.read_whole(answer);
    if (answer != bench::pong_frame) throw bench::bench_error("the tunnel refused an attach");
    return made;
  }

 private:
  int source() { return static_cast<int>(2 + all_.size() % 8); }

  tunnel_relay& tunnel_;
  bench::tls_context context_ = bench::make_client_context();
  std::vector<std::unique_ptr<tls_connection>> all_;
};

/// Writes until the tunnel takes no more.
void stall(tls_connection& sender, byte_view block) {
  constexpr std::chrono::milliseconds nothing_taken{1500};
  bench::set_timeout(sender.fd(), nothing_taken);
  try {
    for (;;) sender.write(block);
  } catch (const bench::bench_error&) {
    // Stalled.
  }
}

/// Holds everything until there are no more orders.
void press(tunnel_relay& tunnel, orders& parent) {
  visitors all{tunnel};
  std::vector<tls_connection*> senders;
  for (std::size_t i = 0; i < stalled_pairs; ++i) {
    const auto frames = tunnel.next_channel("stalled");
    senders.push_back(&all.attach(frames.client));
    senders.push_back(&all.attach(frames.server));
  }
  const bench::frame_block tiny{1};
  std::vector<std::thread> threads;
  for (auto* each : senders) threads.emplace_back([each, &tiny] { stall(*each, tiny.sent()); });
  for (auto& each : threads) each.join();

  const bench::frame_block block{16 * kib, waiting_bytes};
  for (std::size_t i = 0; i < waiting; ++i) all.attach(tunnel.next_channel("waiting").client).write(block.sent());
  for (std::size_t i = 0; i < idle; ++i) all.attach(tunnel.next_channel("idle").client);
  const std::string head = "GET /ws HTTP/1.1\r\nHost: t\r\nCookie: " + std::string(31 * kib, 'x');
  for (std::size_t i = 0; i < asking; ++i) all.connect().write(as_bytes(head));
  parent.answer({});
  static_cast<void>(parent.next());
}

/// Whether a message still goes through.
bool serves(tunnel_relay& tunnel) {
  visitors two{tunnel};
  const auto frames = tunnel.next_channel("fresh");
  auto& client = two.attach(frames.client);
  auto& server = two.attach(frames.server);
  client.write(bench::client_frame(bench::frame_kind::binary, as_bytes("hello")));
  std::array<std::byte, 7> frame{};
  server.read_whole(frame);
  return as_text(frame).substr(2) == "hello";
}

}  // namespace

void run_worst_case_tls(load_bench& bench) {
  const bench::tls_identity identity;
  const auto text = [](std::size_t number) { return std::to_string(number); };
  std::optional<memory_cage> cage;
  const auto tunnel = bench.start_tunnel(
      {"--max-conns", text(chosen.max_conns), "--max-channels", text(chosen.max_channels), "--max-replay-entries",
       text(chosen.max_replay_entries), "--max-total-queued-bytes", text(chosen.max_total_queued_bytes), "--threads",
       text(chosen.threads), "--write-timeout", "5m", "--tls-cert-file", identity.certificate_file(), "--tls-key-file",
       identity.key_file(), "--stats-listen", ""});
  const auto pid = tunnel->process().pid();
  constexpr auto allowed = worst_user_bytes(chosen);
  cage.emplace(pid, allowed, worst_kernel_bytes(chosen));
  std::size_t peak = 0;
  bool alive = false;
  {
    worker pressure{[&](orders& parent) { press(*tunnel, parent); }};
    static_cast<void>(pressure.answer(seconds{120}));
    alive = serves(*tunnel);
    peak = bench::resident_anonymous_bytes(pid);
  }
  const auto share = static_cast<double>(peak) / static_cast<double>(allowed);
  bench.add("worst.tls.serving", "with TLS, still serving in a cage of the worst case's size", "", alive ? 1 : 0,
            bench::goal{.limit = 1, .at_least = true}, cage->kind() + " of " + mebibytes(static_cast<double>(allowed)));
  bench.add("worst.tls.memory", "memory then, of the formula's", "", share, bench::goal{.limit = 1},
            mebibytes(static_cast<double>(peak)));
  bench.add("worst.tls.pressure", "the same, driven at least this far", "", share,
            bench::goal{.limit = 0.2, .at_least = true});
}

}  // namespace flowersec::load
