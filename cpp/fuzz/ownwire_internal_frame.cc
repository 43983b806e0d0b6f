// A message of an internal client in both dialects: no crash, and what is read is within its limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "flowersec/base/text.h"
#include "flowersec/ownwire/internal_frames.h"

using namespace flowersec;
using namespace flowersec::ownwire;

namespace {

void check(const client_message& message) {
  if (const auto* reply = std::get_if<client_reply>(&message)) {
    if (reply->content.empty() || reply->content.size() > max_content_bytes) std::abort();
    if (reply->metadata && reply->metadata->size() > max_metadata_bytes) std::abort();
    if (reply->message_id == 0U || !is_valid_utf8(reply->content)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto plain = decode_client_message(dialect::compatible, text);
  check(plain);
  if (std::holds_alternative<client_typing>(plain)) std::abort();
  check(decode_client_message(dialect::extended, text));
  return 0;
}
