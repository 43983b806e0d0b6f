// Any text as an open message: what is accepted keeps its rules and survives being written again, and its box opens
// for nobody who was not meant.
#include <cstdint>
#include <cstdlib>

#include "flowersec/base/text.h"
#include "flowersec/sealed/open_message.h"

using namespace flowersec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto message = sealed::decode(text);
  if (!message) {
    if (message.error().category() != make_error_code(sealed::sealed_errc::not_opened).category()) std::abort();
    return 0;
  }
  if (text.size() > sealed::max_open_bytes || message->channel_id.empty() ||
      message->channel_id.size() > sealed::max_channel_id_bytes || trim(message->channel_id) != message->channel_id ||
      !crypto::is_known(message->suite)) {
    std::abort();
  }
  const auto written = encode(*message);
  const auto again = sealed::decode(written);
  if (!again || encode(*again) != written || again->sealed != message->sealed) std::abort();

  std::array<std::byte, sealed::key_bytes> bytes;
  bytes.fill(std::byte{0x42});
  static const auto stranger = sealed::key_pair::from_private(bytes);
  if (sealed::open(stranger, message->channel_id, message->sealed)) std::abort();
  return 0;
}
