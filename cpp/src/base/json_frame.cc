#include "flowersec/base/json_frame.h"

namespace flowersec {
namespace {

/// Memory kept between two frames. One large frame must not stay with an idle stream for ever.
constexpr std::size_t max_idle_body_bytes = 65536;

}  // namespace

byte_buffer encode_json_frame(std::string_view text) {
  byte_buffer frame;
  frame.reserve(json_frame_header_bytes + text.size());
  append_be(frame, static_cast<std::uint32_t>(text.size()));
  append(frame, text);
  return frame;
}

void json_frame_splitter::release() {
  if (!complete_) return;
  complete_ = false;
  header_used_ = 0;
  body_.clear();
  if (body_.capacity() > max_idle_body_bytes) body_.shrink_to_fit();
}

json_frame_splitter::status json_frame_splitter::consume(byte_view& input) {
  release();
  if (header_used_ < header_.size()) {
    const auto count = std::min(header_.size() - header_used_, input.size());
    std::copy_n(input.begin(), count, header_.begin() + static_cast<std::ptrdiff_t>(header_used_));
    header_used_ += count;
    input = input.subspan(count);
    if (header_used_ < header_.size()) return status::need_more;
    length_ = load_be<std::uint32_t>(header_.data());
  }
  if (length_ == 0 || length_ > max_bytes_) return status::bad_length;
  const auto count = std::min(length_ - body_.size(), input.size());
  append(body_, input.first(count));
  input = input.subspan(count);
  complete_ = body_.size() == length_;
  return complete_ ? status::frame : status::need_more;
}

}  // namespace flowersec
