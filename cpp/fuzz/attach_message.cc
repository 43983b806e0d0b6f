// Any text as an attach message: what is accepted keeps its rules and survives being written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/messages/tunnel_v1.h"

using namespace flowersec::messages::tunnel::v1;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto message = read_attach(text);
  if (!message) return 0;
  if (message->v != attach_version || message->channel_id.empty() ||
      message->channel_id.size() > max_channel_id_bytes || message->token.empty() ||
      message->token.view().size() > max_token_bytes) {
    std::abort();
  }
  const auto written = encode(*message);
  const auto again = read_attach(written);
  if (!again || encode(*again) != written) std::abort();
  return 0;
}
