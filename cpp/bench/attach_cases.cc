// What a new connection costs the tunnel, against the least that could be done with Beast: upgrade, read one text
// message, verify one signature, close. Part of flowersec-bench.
#include <sys/socket.h>

#include "tunnel_relay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr std::size_t connections_per_run = 1'024;
/// Connections under way at once; steps are taken by all of them together.
constexpr std::size_t batch = 64;

void upgrade_all(const std::vector<unique_fd>& connections, const char* path) {
  for (const auto& each : connections) request_upgrade(each.get(), path, tunnel_relay::origin);
  for (const auto& each : connections) expect_upgraded(each.get());
}

/// A refusal would send a close frame first.
void expect_silent_end(int fd) {
  std::byte byte{};
  if (::recv(fd, &byte, 1, 0) != 0) throw bench_error("an attach was refused");
}

std::vector<unique_fd> connect_batch(std::uint16_t port) {
  std::vector<unique_fd> connections;
  for (std::size_t i = 0; i < batch; ++i) connections.push_back(connect_to(port, static_cast<int>(2 + i % 8)));
  return connections;
}

/// Attaches both ends of fresh channels, then ends them; the tunnel ends its side when it has seen to both.
void attach_batch(tunnel_relay& tunnel) {
  std::vector<tunnel_relay::attach_frames> frames;
  for (std::size_t i = 0; i < batch / 2; ++i) frames.push_back(tunnel.next_channel());
  const auto connections = connect_batch(tunnel.port());
  upgrade_all(connections, tunnel_relay::path);
  for (std::size_t i = 0; i < batch; ++i) {
    const auto& channel = frames[i / 2];
    write_all(connections[i].get(), i % 2 == 0 ? channel.client : channel.server);
  }
  for (const auto& each : connections) ::shutdown(each.get(), SHUT_WR);
  for (const auto& each : connections) expect_silent_end(each.get());
}

void floor_batch(std::uint16_t port, const byte_buffer& attach_frame) {
  const auto connections = connect_batch(port);
  upgrade_all(connections, "/");
  for (const auto& each : connections) write_all(each.get(), attach_frame);
  for (const auto& each : connections) expect_silent_end(each.get());
}

template <class RunBatch>
reading cpu_per_connection(const child_process& process, RunBatch run_batch) {
  const auto before = process.cpu_time();
  for (std::size_t done = 0; done < connections_per_run; done += batch) run_batch();
  const std::chrono::duration<double> cpu = process.cpu_time() - before;
  return {.value = cpu.count() / connections_per_run};
}

void measure_attach(workbench& bench) {
  auto floor = start_own_child("beast-attach");
  const auto floor_port = static_cast<std::uint16_t>(std::stoi(floor.read_line()));
  const auto tunnel = bench.fresh_tunnel();
  const auto sample = tunnel->next_channel().client;
  const std::vector<std::function<reading()>> probes{
      [&] { return cpu_per_connection(floor, [&] { floor_batch(floor_port, sample); }); },
      [&] { return cpu_per_connection(tunnel->process(), [&] { attach_batch(*tunnel); }); },
  };
  const auto taken = take_turns(probes, bench.options().rounds);
  bench.results().add({.id = "attach.cpu",
                       .title = "Upgrade and attach, against Beast upgrade + Ed25519",
                       .unit = "x",
                       .figure = ratio(taken[1], taken[0]),
                       .detail = absolute_figures(taken[1], taken[0], 1e6, "us/connection", "floor")});
}

}  // namespace

std::vector<bench_case> attach_cases() { return {{"attach.cpu", false, measure_attach}}; }

}  // namespace flowersec::bench
