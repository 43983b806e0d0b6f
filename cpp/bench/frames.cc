#include "frames.h"

namespace flowersec::bench {
namespace {

constexpr std::byte mask_bit{0x80};
constexpr std::byte final_bit{0x80};
constexpr std::size_t mask_bytes = 4;

void append_header(byte_buffer& to, frame_kind kind, std::size_t length, std::byte mask) {
  to.push_back(final_bit | static_cast<std::byte>(kind));
  if (length < 126) {
    to.push_back(mask | static_cast<std::byte>(length));
  } else if (length <= 0xffff) {
    to.push_back(mask | std::byte{126});
    append_be(to, static_cast<std::uint16_t>(length));
  } else {
    to.push_back(mask | std::byte{127});
    append_be(to, static_cast<std::uint64_t>(length));
  }
}

void append_masked(byte_buffer& to, byte_view payload, std::uint32_t key) {
  std::array<std::byte, mask_bytes> mask;
  store_be(mask.data(), key);
  append(to, byte_view{mask});
  for (std::size_t i = 0; i < payload.size(); ++i) to.push_back(payload[i] ^ mask[i % mask_bytes]);
}

/// Different for neighbouring messages, so that a lost, doubled or reordered one is seen.
std::byte pattern(std::size_t message, std::size_t at) {
  return static_cast<std::byte>(at ^ (at >> 8) ^ (at >> 16) ^ (message * 0x9d));
}

}  // namespace

frame_block::frame_block(std::size_t message_bytes, std::size_t min_block_bytes)
    : message_bytes_(message_bytes), messages_((min_block_bytes + message_bytes - 1) / message_bytes) {
  for (std::size_t i = 0; i < messages_; ++i) append_message(i);
}

void frame_block::append_message(std::size_t index) {
  byte_buffer payload(message_bytes_);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = pattern(index, i);
  append_header(masked_, frame_kind::binary, payload.size(), mask_bit);
  append_masked(masked_, payload, 0x9e3779b9u * static_cast<std::uint32_t>(index + 1));
  append_header(unmasked_, frame_kind::binary, payload.size(), {});
  append(unmasked_, payload);
}

byte_buffer client_frame(frame_kind kind, byte_view payload) {
  byte_buffer frame;
  append_header(frame, kind, payload.size(), mask_bit);
  append_masked(frame, payload, 0x5bd1e995u);
  return frame;
}

}  // namespace flowersec::bench
