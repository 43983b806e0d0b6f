// The message of a blind front: no crash, and what is read is written the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "flowersec/ownwire/peer_message.h"

using namespace flowersec::ownwire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = decode_peer_message({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  if (read->remote_addr.empty() || read->remote_addr.size() > max_remote_addr_bytes) std::abort();
  if (decode_peer_message(encode(*read)) != read) std::abort();
  return 0;
}
