// Cuts a logical write into records.
// Layer record. A write is a header and a body in two places of memory; neither is copied before sealing.
// Source: PROTOCOL, "Sending records".
#pragma once

#include <array>

#include "flowersec/base/bytes.h"

namespace flowersec::record {

/// The part of a logical write that is not sealed yet. Views only: header and body must outlive it.
class write_cursor {
 public:
  explicit write_cursor(byte_view header, byte_view body = {}) noexcept : header_(header), body_(body) {}

  [[nodiscard]] std::size_t size() const noexcept { return header_.size() + body_.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// The next bytes, at most `max_bytes`, ready for sealer::seal_app.
  [[nodiscard]] std::array<byte_view, 2> take(std::size_t max_bytes) noexcept {
    const auto from_header = take_front(header_, max_bytes);
    return {from_header, take_front(body_, max_bytes - from_header.size())};
  }

 private:
  static byte_view take_front(byte_view& rest, std::size_t max_bytes) noexcept {
    const auto taken = rest.first(std::min(rest.size(), max_bytes));
    rest = rest.subspan(taken.size());
    return taken;
  }

  byte_view header_;
  byte_view body_;
};

}  // namespace flowersec::record
