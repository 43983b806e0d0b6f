// The tunnel with TLS: its CPU per byte against a relay made of SSL_read and SSL_write, and its memory per idle
// connection. Part of flowersec-bench.
#include <atomic>
#include <future>

#include "tls.h"
#include "tunnel_relay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr double idle_goal_bytes = 20 * 1024;
constexpr std::size_t message_bytes = 64 * 1024;

struct tls_pair {
  tls_connection sender;
  tls_connection sink;
};

/// A server that speaks TLS and joins connections into pairs.
class tls_contender {
 public:
  virtual ~tls_contender() = default;
  [[nodiscard]] virtual const child_process& process() const = 0;
  [[nodiscard]] virtual delivery what_arrives() const = 0;
  [[nodiscard]] virtual tls_pair connect(SSL_CTX* context) = 0;
};

class tls_floor final : public tls_contender {
 public:
  explicit tls_floor(const tls_identity& identity)
      : child_(start_own_child("tls-relay", {identity.certificate_file(), identity.key_file()})),
        port_(static_cast<std::uint16_t>(std::stoi(child_.read_line()))) {}

  [[nodiscard]] const child_process& process() const override { return child_; }
  [[nodiscard]] delivery what_arrives() const override { return delivery::as_sent; }
  [[nodiscard]] tls_pair connect(SSL_CTX* context) override {
    return {tls_connection{context, port_, 1}, tls_connection{context, port_, 1}};
  }

 private:
  child_process child_;
  std::uint16_t port_;
};

class tls_tunnel final : public tls_contender {
 public:
  tls_tunnel(const workbench& bench, const tls_identity& identity)
      : tunnel_({.program = bench.options().tunnel_program,
                 .environment = bench.where().child_environment(),
                 .more_arguments = {"--tls-cert-file", identity.certificate_file(), "--tls-key-file",
                                    identity.key_file()}}) {}

  [[nodiscard]] const child_process& process() const override { return tunnel_.process(); }
  [[nodiscard]] delivery what_arrives() const override { return delivery::unmasked; }
  [[nodiscard]] tls_pair connect(SSL_CTX* context) override {
    const auto frames = tunnel_.next_channel();
    return {attach(context, frames.client), attach(context, frames.server)};
  }

 private:
  [[nodiscard]] tls_connection attach(SSL_CTX* context, const byte_buffer& frame) const {
    tls_connection connection{context, tunnel_.port(), 1};
    connection.upgrade(tunnel_relay::path, tunnel_relay::origin);
    connection.write(frame);
    connection.write(ping_frame);
    std::array<std::byte, pong_frame.size()> answer{};
    connection.read_whole(answer);
    if (answer != pong_frame) throw bench_error("the tunnel refused an attach");
    return connection;
  }

  tunnel_relay tunnel_;
};

/// Sends whole blocks for a while; the sink checks each. Both on the generator's CPU.
reading cpu_per_byte(tls_contender& relay, tls_pair& pair, const frame_block& block, std::chrono::nanoseconds time) {
  const auto before = relay.process().cpu_time();
  const auto expected = block.delivered(relay.what_arrives());
  std::atomic<std::uint64_t> blocks_sent{0};
  std::atomic<bool> sending{true};
  auto sink = std::async(std::launch::async, [&] {
    byte_buffer arrived(expected.size());
    std::uint64_t blocks = 0;
    for (; sending || blocks < blocks_sent; ++blocks) {
      pair.sink.read_whole(arrived);
      if (!std::ranges::equal(arrived, expected)) throw bench_error("the relay delivered wrong bytes");
    }
    return blocks;
  });
  const auto end = std::chrono::steady_clock::now() + time;
  bool last = false;
  while (!last) {
    last = std::chrono::steady_clock::now() >= end;
    // Counted before it is sent, and the end announced before the last one, so that the sink never waits in vain.
    ++blocks_sent;
    if (last) sending = false;
    pair.sender.write(block.sent());
  }
  const auto blocks = sink.get();
  const std::chrono::duration<double> cpu = relay.process().cpu_time() - before;
  return {.value = cpu.count() / (static_cast<double>(blocks) * static_cast<double>(block.sent().size()))};
}

void measure_throughput(workbench& bench) {
  const tls_identity identity;
  const auto context = make_client_context();
  const frame_block block{message_bytes};
  tls_floor floor{identity};
  tls_tunnel tunnel{bench, identity};
  auto through_floor = floor.connect(context.get());
  auto through_tunnel = tunnel.connect(context.get());
  const auto time = bench.options().round_time;
  const std::vector<std::function<reading()>> probes{
      [&] { return cpu_per_byte(floor, through_floor, block, time); },
      [&] { return cpu_per_byte(tunnel, through_tunnel, block, time); },
  };
  const auto taken = take_turns(probes, bench.options().rounds);
  bench.results().add({.id = "tls.64k.cpu",
                       .title = "64 KiB over TLS, CPU against SSL_read/SSL_write",
                       .unit = "x",
                       .figure = ratio(taken[1], taken[0]),
                       .detail = absolute_figures(taken[1], taken[0], 1e9, "CPU s/GB", "bare TLS relay")});
}

void measure_idle(workbench& bench) {
  constexpr std::size_t connections = 500;
  const tls_identity identity;
  const auto context = make_client_context();
  tls_tunnel tunnel{bench, identity};
  const auto before = resident_anonymous_bytes(tunnel.process().pid());
  std::vector<tls_pair> pairs;
  for (std::size_t i = 0; i < connections / 2; ++i) pairs.push_back(tunnel.connect(context.get()));
  const auto now = resident_anonymous_bytes(tunnel.process().pid());
  const auto each = static_cast<double>(now - before) / connections;
  bench.results().add({.id = "tls.idle",
                       .title = std::to_string(connections) + " idle TLS connections, each",
                       .unit = "B",
                       .figure = {each, each, each},
                       .target = goal{.limit = idle_goal_bytes}});
}

}  // namespace

std::vector<bench_case> tls_cases() {
  return {{"tls.64k", false, measure_throughput}, {"tls.idle", true, measure_idle}};
}

}  // namespace flowersec::bench
