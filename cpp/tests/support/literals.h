// Bytes written the way documents and vectors write them.
// Test support. A text that is not what it claims to be ends the test program: it is a mistake in the test.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "flowersec/base/base64url.h"
#include "flowersec/base/bytes.h"

namespace flowersec::testing {

/// Bytes of a hexadecimal text; blanks between digits are for the reader.
[[nodiscard]] inline byte_buffer hex(std::string_view text) {
  const auto value = [](char digit) -> unsigned {
    if ('0' <= digit && digit <= '9') return static_cast<unsigned>(digit - '0');
    if ('a' <= digit && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
    std::abort();
  };
  byte_buffer bytes;
  bool high = true;
  for (const char digit : text) {
    if (digit == ' ') continue;
    if (high) {
      bytes.push_back(static_cast<std::byte>(value(digit) << 4));
    } else {
      bytes.back() |= static_cast<std::byte>(value(digit));
    }
    high = !high;
  }
  if (!high) std::abort();
  return bytes;
}

/// Bytes of a base64url text.
[[nodiscard]] inline byte_buffer b64u(std::string_view text) {
  auto bytes = decode_base64url(text);
  if (!bytes) std::abort();
  return std::move(*bytes);
}

/// The same as a fixed-size array.
template <std::size_t N>
[[nodiscard]] std::array<std::byte, N> b64u_array(std::string_view text) {
  const auto bytes = b64u(text);
  if (bytes.size() != N) std::abort();
  std::array<std::byte, N> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

}  // namespace flowersec::testing
