// WebSocket frames as a client writes them and as it reads a server's, without the codec under test.
// Test support.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::testing {

enum ws_op : std::uint8_t { op_continuation = 0, op_text = 1, op_binary = 2, op_close = 8, op_ping = 9, op_pong = 10 };

/// Header of a masked frame announcing `payload_bytes`.
[[nodiscard]] inline byte_buffer client_frame_header(std::uint8_t op, std::uint64_t payload_bytes, bool fin = true,
                                                     std::uint32_t mask = 0x11a27c5d) {
  byte_buffer out{static_cast<std::byte>((fin ? 0x80 : 0) | op)};
  if (payload_bytes < 126) {
    out.push_back(static_cast<std::byte>(0x80 | payload_bytes));
  } else if (payload_bytes <= 0xffff) {
    out.push_back(std::byte{0xfe});
    append_be(out, static_cast<std::uint16_t>(payload_bytes));
  } else {
    out.push_back(std::byte{0xff});
    append_be(out, payload_bytes);
  }
  append_be(out, mask);
  return out;
}

/// Payload bytes masked as they stand at `offset` of their frame.
[[nodiscard]] inline byte_buffer masked(byte_view payload, std::size_t offset = 0, std::uint32_t mask = 0x11a27c5d) {
  byte_buffer out = to_buffer(payload);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] ^= static_cast<std::byte>(mask >> (24 - 8 * ((i + offset) % 4)));
  }
  return out;
}

[[nodiscard]] inline byte_buffer client_frame(std::uint8_t op, byte_view payload, bool fin = true,
                                              std::uint32_t mask = 0x11a27c5d) {
  auto out = client_frame_header(op, payload.size(), fin, mask);
  append(out, masked(payload, 0, mask));
  return out;
}
[[nodiscard]] inline byte_buffer client_frame(std::uint8_t op, std::string_view payload, bool fin = true) {
  return client_frame(op, as_bytes(payload), fin);
}
[[nodiscard]] inline byte_buffer client_close(std::uint16_t code, std::string_view reason = {}) {
  byte_buffer payload;
  append_be(payload, code);
  append(payload, reason);
  return client_frame(op_close, payload);
}

struct server_frame {
  std::uint8_t op = op_binary;
  bool fin = true;
  byte_buffer payload{};

  [[nodiscard]] std::optional<std::uint16_t> close_code() const {
    return payload.size() < 2 ? std::nullopt : std::optional{load_be<std::uint16_t>(payload.data())};
  }
  [[nodiscard]] std::string_view close_reason() const {
    return payload.size() < 2 ? std::string_view{} : as_text(payload).substr(2);
  }
  friend bool operator==(const server_frame&, const server_frame&) = default;
};

/// Takes whole frames off the front of `bytes`. A masked frame or a reserved bit is reported as opcode 0xff.
[[nodiscard]] inline std::vector<server_frame> take_server_frames(byte_buffer& bytes) {
  std::vector<server_frame> frames;
  std::size_t used = 0;
  for (;;) {
    byte_reader in{byte_view{bytes}.subspan(used)};
    const auto first = in.read<std::uint8_t>();
    const auto second = in.read<std::uint8_t>();
    if (!first || !second) break;
    std::uint64_t size = *second & 0x7fu;
    if (size == 126) {
      const auto longer = in.read<std::uint16_t>();
      if (!longer) break;
      size = *longer;
    } else if (size == 127) {
      const auto longer = in.read<std::uint64_t>();
      if (!longer) break;
      size = *longer;
    }
    const auto payload = in.take(static_cast<std::size_t>(size));
    if (!payload) break;
    const bool proper = (*first & 0x70) == 0 && (*second & 0x80) == 0;
    frames.push_back(
        {static_cast<std::uint8_t>(proper ? *first & 0x0f : 0xff), (*first & 0x80) != 0, to_buffer(*payload)});
    used = bytes.size() - in.size();
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(used));
  return frames;
}

/// A payload in which a byte out of place shows.
[[nodiscard]] inline byte_buffer pattern(std::size_t bytes, unsigned seed = 0) {
  byte_buffer out(bytes);
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::byte>((i ^ (i >> 8) ^ (i >> 16)) + seed);
  return out;
}

/// A message with the shape of an encrypted record.
[[nodiscard]] inline byte_buffer record_shaped(std::size_t ciphertext_bytes) {
  byte_buffer out = to_buffer(as_bytes("FSEC"));
  out.push_back(std::byte{1});
  out.resize(14);
  append_be(out, static_cast<std::uint32_t>(ciphertext_bytes));
  out.resize(18 + ciphertext_bytes);
  return out;
}

}  // namespace flowersec::testing
