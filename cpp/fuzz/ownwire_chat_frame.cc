// Any text as a frame of the chat, in both directions: what is read keeps its bounds, and written it reads as the same.
#include <cstdint>
#include <cstdlib>

#include "flowersec/ownwire/frames.h"

using namespace flowersec::ownwire;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const user_frame& frame) {
  if (const auto* hello = std::get_if<hello_frame>(&frame)) {
    require(!hello->metadata || hello->metadata->size() <= max_metadata_bytes);
    require(!hello->auth || hello->auth->size() <= max_auth_bytes);
  }
  if (const auto* text = std::get_if<text_frame>(&frame)) {
    require(text->id > 0 && text->content.size() <= max_content_bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto frame = decode_user_frame(text)) {
    check(*frame);
    if (!std::holds_alternative<unknown_frame>(*frame)) {
      const auto again = decode_user_frame(encode(*frame));
      require(again && *again == *frame);
    }
  } else {
    require(!encode(gateway_frame{frame.error()}).empty());
  }
  if (const auto frame = decode_gateway_frame(text)) {
    const bool keeps = !std::holds_alternative<unknown_frame>(*frame);
    const auto* error = std::get_if<error_frame>(&*frame);
    if (keeps && (error == nullptr || error->code != chat_error::other)) {
      const auto again = decode_gateway_frame(encode(*frame));
      require(again && *again == *frame);
    }
  }
  return 0;
}
