// Any text as a frame of a registry's client and as one of a registry: what is read keeps its bounds, and written it
// reads as the same.
#include <cstdint>
#include <cstdlib>

#include "flowersec/rendezvous/frames.h"

using namespace flowersec::rendezvous;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto frame = decode_client_frame(text)) {
    const auto again = decode_client_frame(encode(*frame));
    if (!again || *again != *frame) std::abort();
  }
  if (const auto frame = decode_server_frame(text)) {
    const auto again = decode_server_frame(encode(*frame));
    // A frame may grow on its way: spaces in a grant that this side writes without.
    if (again && *again != *frame) std::abort();
  }
  return 0;
}
