// Reading and writing an RPC envelope, against what a general JSON library does with the same text. One thread, CPU
// time. Part of flowersec-bench.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "flowersec/rpc/v1/types.gen.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr double cpu_goal = 1.0;
constexpr int envelopes_per_run = 20'000;
constexpr std::size_t payload_bytes = 200;

std::string some_envelope() {
  const std::string head = R"({"items":[)";
  const std::string item = R"({"id":12,"n":"abc"},)";
  auto payload = head;
  while (payload.size() + item.size() + 1 < payload_bytes) payload += item;
  payload.back() = ']';
  payload += std::string(payload_bytes - payload.size() - 1, ' ') + '}';
  return R"({"type_id":1,"request_id":7,"response_to":0,"payload":)" + payload + '}';
}

template <class Work>
reading cpu_of(Work work) {
  const auto before = thread_cpu_time();
  std::size_t written = 0;
  for (int i = 0; i < envelopes_per_run; ++i) written += work();
  if (written < envelopes_per_run * payload_bytes / 2) throw bench_error("an envelope was not written");
  const std::chrono::duration<double> spent = thread_cpu_time() - before;
  return {.value = spent.count() / envelopes_per_run};
}

void measure_envelope(workbench& bench) {
  const auto text = some_envelope();
  const std::vector<std::function<reading()>> probes{
      [&] { return cpu_of([&] { return boost::json::serialize(boost::json::parse(text)).size(); }); },
      [&] {
        return cpu_of([&] { return messages::rpc::v1::encode(*messages::rpc::v1::decode_rpc_envelope(text)).size(); });
      }};
  const auto taken = take_turns(probes, bench.options().rounds);
  bench.results().add({.id = "codec.envelope",
                       .title = "RPC envelope of 200 bytes, read and written, against Boost.JSON",
                       .unit = "x",
                       .figure = ratio(taken[1], taken[0]),
                       .target = goal{.limit = cpu_goal},
                       .detail = absolute_figures(taken[1], taken[0], 1e9, "ns", "Boost.JSON")});
}

}  // namespace

std::vector<bench_case> codec_cases() { return {{"codec.envelope", false, measure_envelope}}; }

}  // namespace flowersec::bench
