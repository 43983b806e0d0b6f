// Any text as a frame of a channel between two contacts: what is read keeps its bounds, and written it reads as the
// same.
#include <cstdint>
#include <cstdlib>

#include "flowersec/base/json_scan.h"
#include "rendezvous/channel_frames.h"

using namespace flowersec::rendezvous;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto frame = decode_channel_frame(text);
  if (!frame || std::holds_alternative<channel_unknown>(*frame)) return 0;
  if (const auto* message = std::get_if<channel_message>(&*frame)) {
    if (message->id == 0 || !flowersec::is_valid_json(message->content)) std::abort();
  }
  const auto again = decode_channel_frame(encode(*frame));
  if (!again || *again != *frame) std::abort();
  return 0;
}
