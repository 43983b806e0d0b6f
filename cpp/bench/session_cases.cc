// Whole sessions, client to server through the tunnel, three processes: throughput, CPU of each, and what a call and a
// stream cost in system calls and allocations. Part of flowersec-bench.
#include "flowersec/base/text.h"
#include "observers.h"
#include "tunnel_relay.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

using std::chrono::steady_clock;

constexpr auto command_timeout = std::chrono::seconds{30};

/// A session between two children. The server shares the tunnel's CPU: a sender alone keeps the other one busy.
class session_pair {
 public:
  session_pair(tunnel_relay& tunnel, std::vector<std::string> server_environment,
               std::vector<std::string> client_environment)
      : server_(start("session-server", relay_cpu, std::move(server_environment))),
        client_(start("session-client", generator_cpu, std::move(client_environment))) {
    const auto grants = tunnel.next_grants();
    server_.write_line(encode(grants.server));
    client_.write_line(encode(grants.client));
    expect(server_, "up");
    expect(client_, "up");
  }

  void command(const std::string& line) {
    client_.write_line(line);
    expect(client_, "done");
  }

  [[nodiscard]] const child_process& server() const noexcept { return server_; }
  [[nodiscard]] const child_process& client() const noexcept { return client_; }

 private:
  static child_process start(const std::string& name, int cpu, std::vector<std::string> variables) {
    return child_process{{.command = {"/proc/self/exe", "--child", name},
                          .environment = std::move(variables),
                          .cpu = cpu,
                          .quiet = false}};
  }

  static void expect(child_process& from, const std::string& line) {
    if (from.read_line(command_timeout) != line) throw bench_error("a session failed");
  }

  child_process server_;
  child_process client_;
};

// --- one stream ------------------------------------------------------------------------------------------------

struct bulk_sample {
  double bytes_per_second = 0;
  std::array<double, 3> cpu_per_byte{};  ///< client, tunnel, server
};

bulk_sample run_bulk(session_pair& session, const tunnel_relay& tunnel, std::uint64_t bytes) {
  const std::array processes{&session.client(), &tunnel.process(), &session.server()};
  std::array<std::chrono::nanoseconds, 3> before{};
  for (std::size_t i = 0; i < processes.size(); ++i) before[i] = processes[i]->cpu_time();
  const auto begin = steady_clock::now();
  session.command("bulk " + std::to_string(bytes));
  const std::chrono::duration<double> elapsed = steady_clock::now() - begin;
  bulk_sample sample{.bytes_per_second = static_cast<double>(bytes) / elapsed.count()};
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const std::chrono::duration<double> cpu = processes[i]->cpu_time() - before[i];
    sample.cpu_per_byte[i] = cpu.count() / static_cast<double>(bytes);
  }
  return sample;
}

void measure_stream(workbench& bench) {
  constexpr std::uint64_t bytes = 128 * 1048576;
  const auto tunnel = bench.fresh_tunnel();
  session_pair session{*tunnel, {}, {}};
  std::vector<double> rates;
  std::array<std::vector<double>, 3> cpu;
  static_cast<void>(run_bulk(session, *tunnel, bytes));
  for (int round = 0; round < bench.options().rounds; ++round) {
    const auto sample = run_bulk(session, *tunnel, bytes);
    rates.push_back(sample.bytes_per_second / 1048576);
    for (std::size_t i = 0; i < cpu.size(); ++i) cpu[i].push_back(sample.cpu_per_byte[i] * 1e9);
  }
  bench.results().add({.id = "session.stream.rate",
                       .title = "One encrypted stream through the tunnel",
                       .unit = "MiB/s",
                       .figure = spread_of(rates),
                       .detail = "two CPUs for three processes"});
  constexpr std::array<const char*, 3> names{"client", "tunnel", "server"};
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    bench.results().add({.id = std::string{"session.stream.cpu."} + names[i],
                         .title = std::string{"One encrypted stream, CPU of the "} + names[i],
                         .unit = "s/GB",
                         .figure = spread_of(cpu[i])});
  }
}

// --- calls and streams -----------------------------------------------------------------------------------------

struct counted_work {
  std::string id;
  std::string unit;     ///< what is counted, one of them
  std::string command;  ///< to the client
  int units;
};

row count_row(const std::string& what, const counted_work& work, const std::string& who, std::uint64_t count,
              std::string detail) {
  const double each = static_cast<double>(count) / work.units;
  return {.id = ascii_lower(what) + '.' + work.id + '.' + who,
          .title = what + " per " + work.unit + ", " + who,
          .unit = "each",
          .figure = {each, each, each},
          .detail = std::move(detail)};
}

void count_allocations(workbench& bench, const counted_work& work) {
  const allocation_counter of_client;
  const allocation_counter of_server;
  const auto tunnel = bench.fresh_tunnel();
  session_pair session{*tunnel, of_server.environment(), of_client.environment()};
  session.command(work.command);
  const std::array before{of_client.count(), of_server.count()};
  session.command(work.command);
  bench.results().add(count_row("Allocations", work, "client", of_client.count() - before[0], ""));
  bench.results().add(count_row("Allocations", work, "server", of_server.count() - before[1], ""));
}

void count_system_calls(workbench& bench, const counted_work& work) {
  if (!system_call_watch::available()) throw bench_error("strace is not installed");
  const auto tunnel = bench.fresh_tunnel();
  session_pair session{*tunnel, {}, {}};
  session.command(work.command);
  system_call_watch client{session.client().pid()};
  system_call_watch server{session.server().pid()};
  session.command(work.command);
  for (auto& [who, watch] : {std::pair<std::string, system_call_watch&>{"client", client}, {"server", server}}) {
    const auto counts = watch.stop();
    bench.results().add(count_row("Syscalls", work, who, counts.total(), counts.most_frequent(work.units)));
  }
}

}  // namespace

std::vector<bench_case> session_cases() {
  const std::vector<counted_work> works{
      {"calls", "RPC call", "calls 500", 500},
      {"streams", "stream", "streams 500", 500},
      {"bulk", "MiB of a stream", "bulk " + std::to_string(64 * 1048576), 64},
  };
  std::vector<bench_case> cases{{"session.stream", false, measure_stream}};
  for (const auto& work : works) {
    cases.push_back({"allocations." + work.id, true, [work](workbench& bench) { count_allocations(bench, work); }});
    cases.push_back({"syscalls." + work.id, true, [work](workbench& bench) { count_system_calls(bench, work); }});
  }
  return cases;
}

}  // namespace flowersec::bench
