// Yamux frames written and read without the library under test, so that a peer may also send nonsense.
// Test support.
#pragma once

#include <cstdint>
#include <vector>

#include "flowersec/base/bytes.h"

namespace flowersec::testing::yamux_wire {

enum type : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };
enum flag : std::uint16_t { none = 0, syn = 1, ack = 2, fin = 4, rst = 8 };

struct frame {
  std::uint8_t version = 0;
  std::uint8_t kind = data;
  std::uint16_t flags = none;
  std::uint32_t id = 0;
  std::uint32_t length = 0;
  byte_buffer body{};

  friend bool operator==(const frame&, const frame&) = default;
};

[[nodiscard]] inline byte_buffer bytes_of(const frame& f) {
  constexpr std::size_t header = 12;
  byte_buffer out(header + f.body.size());
  out[0] = std::byte{f.version};
  out[1] = std::byte{f.kind};
  store_be(&out[2], f.flags);
  store_be(&out[4], f.id);
  store_be(&out[8], f.length);
  if (!f.body.empty()) std::memcpy(&out[header], f.body.data(), f.body.size());
  return out;
}

/// A Data frame whose length is true.
[[nodiscard]] inline frame data_of(std::uint32_t id, byte_view body, std::uint16_t flags = none) {
  return {.kind = data,
          .flags = flags,
          .id = id,
          .length = static_cast<std::uint32_t>(body.size()),
          .body = to_buffer(body)};
}
[[nodiscard]] inline frame control_of(std::uint32_t id, std::uint16_t flags, std::uint32_t length = 0) {
  return {.kind = window_update, .flags = flags, .id = id, .length = length};
}
[[nodiscard]] inline frame open_of(std::uint32_t id) { return control_of(id, syn); }
[[nodiscard]] inline frame ack_of(std::uint32_t id) { return control_of(id, ack); }
[[nodiscard]] inline frame close_of(std::uint32_t id) { return control_of(id, fin); }
[[nodiscard]] inline frame reset_of(std::uint32_t id) { return control_of(id, rst); }
[[nodiscard]] inline frame credit_of(std::uint32_t id, std::uint32_t bytes) { return control_of(id, none, bytes); }
[[nodiscard]] inline frame ping_of(std::uint32_t opaque) { return {.kind = ping, .flags = syn, .length = opaque}; }
[[nodiscard]] inline frame pong_of(std::uint32_t opaque) { return {.kind = ping, .flags = ack, .length = opaque}; }

/// Whole frames of a byte stream; stops at the first that is cut off.
[[nodiscard]] inline std::vector<frame> frames_in(byte_view bytes) {
  std::vector<frame> frames;
  byte_reader in{bytes};
  while (in.size() >= 12) {
    frame f;
    f.version = *in.read<std::uint8_t>();
    f.kind = *in.read<std::uint8_t>();
    f.flags = *in.read<std::uint16_t>();
    f.id = *in.read<std::uint32_t>();
    f.length = *in.read<std::uint32_t>();
    if (f.kind == data) {
      const auto body = in.take(f.length);
      if (!body) break;
      f.body = to_buffer(*body);
    }
    frames.push_back(std::move(f));
  }
  return frames;
}

}  // namespace flowersec::testing::yamux_wire
