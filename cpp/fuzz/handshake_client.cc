// Arbitrary first messages at a client that has sent INIT: refused with a typed error, or answered with an ACK of ours.
#include <cstdint>
#include <cstdlib>

#include "flowersec/handshake/client.h"

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

}  // namespace

// Input: 1 byte that chooses the suite and whether a frame header is put in front, then the message or its payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto suite = (data[0] & 1) != 0 ? crypto::suite::p256 : crypto::suite::x25519;
  const bool framed = (data[0] & 2) != 0;
  const auto rest = std::as_bytes(std::span{data, size}).subspan(1);

  fixed_random random;
  auto client = client_handshake::begin({.channel_id = "fuzz",
                                         .suite = suite,
                                         .psk = crypto::psk{crypto::secret_bytes<32>{}},
                                         .features = 0,
                                         .limits = {}},
                                        random)
                    .value();
  const auto message = framed ? encode_frame(frame_type::resp, as_text(rest)) : to_buffer(rest);
  const auto done = client.on_frame(message, unix_seconds{1700000000});
  if (done) require(decode_frame(done->ack_frame, frame_type::ack, {}).has_value());
  require(client.on_frame(message, unix_seconds{1700000000}).error() == handshake_errc::unexpected_type);
  return 0;
}
