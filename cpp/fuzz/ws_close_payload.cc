// Any bytes: a close payload that parses is one that encodes back to the same bytes.
#include "flowersec/ws/close.h"

#include <cstdlib>

using namespace flowersec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t largest = 125;
  const byte_view bytes = std::as_bytes(std::span{data, std::min(size, largest)});
  const auto parsed = ws::parse_close_payload(bytes);
  if (!parsed) return 0;
  const auto encoded = ws::encode_close_payload(*parsed);
  if (!std::equal(encoded.begin(), encoded.end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
