// Any bytes: the header decoder answers, and what it calls complete encodes back to the same bytes.
#include "flowersec/ws/frame.h"

#include <cstdlib>

using namespace flowersec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const byte_view bytes = std::as_bytes(std::span{data, size});
  for (const auto sender : {ws::role::client, ws::role::server}) {
    const auto decoded = ws::decode_frame_header(bytes, sender);
    if (decoded.result != ws::header_decoding::outcome::complete) continue;
    std::array<std::byte, ws::max_frame_header_bytes> encoded;
    const auto used = ws::encode_frame_header(encoded.data(), decoded.header);
    if (used != decoded.header_bytes || !std::equal(encoded.begin(), encoded.begin() + used, bytes.begin())) {
      std::abort();
    }
  }
  return 0;
}
