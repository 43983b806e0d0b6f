// Feeds an RPC client whatever a server could send, in two pieces, while calls are pending.
#include <cstdint>
#include <cstdlib>

#include "flowersec/rpc/client.h"

namespace {

using namespace flowersec;

void require(bool holds) {
  if (!holds) std::abort();
}

void feed(rpc::client& client, byte_view input) {
  while (!input.empty()) {
    const auto before = input.size();
    client.receive(input, {});
    bool got_event = false;
    while (client.poll_event()) got_event = true;
    require(got_event || input.size() < before);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto client = *rpc::client::create({.limits = {.max_calls_in_flight = 3, .max_frame_bytes = 4096}});
  for (std::uint32_t type = 1; type <= 3; ++type) require(client.call(type, "{}", {}).has_value());
  require(client.call(4, "{}", {}).error() == rpc::rpc_errc::resource_exhausted);
  while (client.take_output()) {
  }

  byte_reader input{std::as_bytes(std::span{data, size})};
  const auto cut = input.read<std::uint8_t>().value_or(0);
  if (const auto first = input.take(std::min<std::size_t>(cut, input.size()))) feed(client, *first);
  feed(client, input.rest());
  require(!client.has_output());

  client.end_of_input({});
  while (client.poll_event()) {
  }
  require(client.ended().has_value() && client.calls_in_flight() == 0);
  return 0;
}
