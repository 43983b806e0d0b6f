// Any text as what an endpoint asks its control plane for, and as the answer: an id that is accepted is a usable one.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/base/text.h"
#include "flowersec/token/control_frames.h"

using namespace flowersec;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto id = token::decode_registration(text)) {
    if (id->empty() || id->size() > token::max_endpoint_id_bytes || trim(*id) != *id) std::abort();
    const auto again = token::decode_registration(token::encode_registration(*id));
    if (!again || *again != *id) std::abort();
  } else if (id.error().code != token::control_status::bad_request || id.error().message.empty()) {
    std::abort();
  }
  static_cast<void>(token::decode_registered(text));
  return 0;
}
