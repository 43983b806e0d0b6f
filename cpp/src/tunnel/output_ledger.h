// Follows the output of one direction frame by frame as the destination takes it.
// Layer tunnel. Needed only when a send stops half-way: it tells which messages are still held, and where a frame of
// our own may be put in between.
#pragma once

#include <cstdint>

#include "flowersec/base/bytes.h"

namespace flowersec::tunnel {

class output_ledger {
 public:
  /// Whether the bytes taken so far end with a whole frame.
  [[nodiscard]] bool at_boundary() const noexcept { return left_ == 0; }

  /// Bytes from the start of `output` to the end of its first frame, as far as they are in it.
  [[nodiscard]] std::size_t to_boundary(byte_view output) noexcept {
    if (left_ == 0) begin_frame(output);
    return std::min<std::size_t>(left_, output.size());
  }

  struct finished {
    std::uint64_t bytes = 0;  ///< payload of the messages now wholly taken
    std::uint32_t messages = 0;
  };
  /// The destination took `taken` bytes from the front of `output`.
  finished advance(byte_view output, std::size_t taken) noexcept {
    finished done;
    while (taken != 0) {
      const auto step = std::min(to_boundary(output), taken);
      output = output.subspan(step);
      taken -= step;
      left_ -= step;
      if (left_ != 0) continue;
      done.bytes += payload_bytes_;
      ++done.messages;
      ++frames_finished_;
    }
    return done;
  }

  /// All output was taken, `frames_finished` frames since the beginning; `to_come` bytes of the current frame's
  /// `payload_bytes` have not arrived from the source.
  void settle(std::uint32_t frames_finished, std::uint32_t to_come, std::uint32_t payload_bytes) noexcept {
    frames_finished_ = frames_finished;
    left_ = to_come;
    payload_bytes_ = payload_bytes;
  }

  /// Whole frames taken; wraps around. Tells whether the frame at the front is still the same.
  [[nodiscard]] std::uint32_t frames_finished() const noexcept { return frames_finished_; }

 private:
  /// `output` starts with a frame as a server writes it; its header is whole, for headers are written whole.
  void begin_frame(byte_view output) noexcept {
    const auto short_length = std::to_integer<std::uint8_t>(output[1]);
    std::size_t header_bytes = 2;
    payload_bytes_ = short_length;
    if (short_length == 126) {
      payload_bytes_ = load_be<std::uint16_t>(output.data() + 2);
      header_bytes = 4;
    } else if (short_length == 127) {
      payload_bytes_ = static_cast<std::uint32_t>(load_be<std::uint64_t>(output.data() + 2));
      header_bytes = 10;
    }
    left_ = header_bytes + payload_bytes_;
  }

  std::uint64_t left_ = 0;  ///< of the frame at the front, header included
  std::uint32_t payload_bytes_ = 0;
  std::uint32_t frames_finished_ = 0;
};

}  // namespace flowersec::tunnel
