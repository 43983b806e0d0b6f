// Length-prefixed JSON text: the unit of the stream hello, of RPC and of custom streams.
// Layer base. Source: PROTOCOL, "JSON frame": u32 length n, then n bytes of UTF-8 JSON.
#pragma once

#include <optional>
#include <string_view>

#include "flowersec/base/bytes.h"

namespace flowersec {

inline constexpr std::size_t json_frame_header_bytes = 4;
/// Default bound on n. A peer can make one stream hold this much.
inline constexpr std::size_t json_frame_max_bytes = 1048576;

/// Header and text in one buffer. The caller has checked text.size() against its limit.
[[nodiscard]] byte_buffer encode_json_frame(std::string_view text);

/// Cuts a byte stream into JSON frames. Holds at most the announced length of one frame, and that only after the
/// length was checked; memory grows with what arrived, never with what was announced.
class json_frame_splitter {
 public:
  explicit json_frame_splitter(std::size_t max_bytes = json_frame_max_bytes) noexcept : max_bytes_(max_bytes) {}

  enum class status { need_more, frame, bad_length };

  /// Takes from the front of `input`, advancing it. On `frame`, text() is the frame until the next call.
  /// bad_length is final: n is 0 or above the limit and the position in the stream is lost.
  [[nodiscard]] status consume(byte_view& input);
  [[nodiscard]] std::string_view text() const noexcept { return as_text(body_); }
  /// Nobody needs text() any more: a large frame's memory goes back now, not at the next call. Without effect inside a
  /// frame.
  void release();
  /// Whether the stream may end here, between two frames.
  [[nodiscard]] bool at_boundary() const noexcept { return header_used_ == 0 || complete_; }

 private:
  std::size_t max_bytes_;
  std::array<std::byte, json_frame_header_bytes> header_{};
  std::size_t header_used_ = 0;
  std::size_t length_ = 0;
  bool complete_ = false;
  byte_buffer body_;
};

}  // namespace flowersec
