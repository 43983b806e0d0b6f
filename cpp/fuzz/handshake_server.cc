// Arbitrary messages at a server, before and after a genuine INIT. Nobody without the PSK gets past ACK, and the first
// refusal is the end.
#include <cstdint>
#include <cstdlib>

#include "flowersec/handshake/client.h"
#include "flowersec/handshake/init_peek.h"
#include "flowersec/handshake/server.h"

namespace {

using namespace flowersec;
using namespace flowersec::handshake;

/// Constant bytes: the same input must always take the same path.
class fixed_random final : public random_source {
 public:
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    for (auto& byte : into) byte = std::byte{0x42};
    return true;
  }
};

void require(bool holds) {
  if (!holds) std::abort();
}

crypto::psk psk_of(std::byte first) {
  crypto::secret_bytes<32> bytes;
  bytes.mutable_view()[0] = first;
  return crypto::psk{std::move(bytes)};
}

byte_buffer genuine_init(crypto::suite suite, random_source& random) {
  // Another PSK than the server's: INIT does not depend on it.
  const auto client = client_handshake::begin(
      {.channel_id = "fuzz", .suite = suite, .psk = psk_of(std::byte{1}), .features = 0, .limits = {}}, random);
  return to_buffer(client.value().init_frame());
}

}  // namespace

// Input: 1 byte that chooses the suite and whether a genuine INIT comes first, then messages, each 1 byte for its frame
// type (0: raw), u16 length, bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_reader input{std::as_bytes(std::span{data, size})};
  const auto choice = input.read<std::uint8_t>().value_or(0);
  const auto suite = (choice & 1) != 0 ? crypto::suite::p256 : crypto::suite::x25519;
  fixed_random random;
  server_handshake server{{.channel_id = std::nullopt,
                           .suite = suite,
                           .psk = psk_of(std::byte{2}),
                           .init_exp = unix_seconds{1700000060},
                           .features = 0,
                           .limits = {}}};
  const moment now{.mono = {}, .wall = unix_seconds{1700000000}};
  if ((choice & 2) != 0) require(server.on_frame(genuine_init(suite, random), now, random).has_value());

  bool over = false;
  while (const auto type = input.read<std::uint8_t>()) {
    const auto length = std::min<std::size_t>(input.read<std::uint16_t>().value_or(0), input.size());
    const auto body = *input.take(length);
    const auto message = *type == 0 ? to_buffer(body) : encode_frame(static_cast<frame_type>(*type), as_text(body));
    (void)peek_init(message, {});
    const auto step = server.on_frame(message, now, random);
    require(!step || (!over && std::holds_alternative<respond>(*step)));
    over = over || !step;
  }
  return 0;
}
