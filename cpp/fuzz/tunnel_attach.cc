// The first message of a connection may be anything. Nobody without a signature gets in.
#include <cstdint>
#include <cstdlib>

#include "tunnel/attach_machine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowersec;
  using namespace flowersec::tunnel;
  static const auto verifier = [] {
    token::keyset keys;
    keys.add("k1", crypto::ed25519_public_key{});
    return make_single_tenant_verifier(std::move(keys), "aud", std::nullopt);
  }();
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  attach_machine machine;
  const auto step = machine.on_message(ws::message_kind::text, text, *verifier, tunnel_limits{}, false,
                                       wall_time{std::chrono::seconds{1'800'000'000}});
  if (step.what != attach_step::kind::refuse) std::abort();
  return 0;
}
