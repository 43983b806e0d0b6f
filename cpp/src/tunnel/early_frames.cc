// See early_frames.h.
#include "tunnel/early_frames.h"

#include <algorithm>

#include "flowersec/ws/frame.h"

namespace flowersec::tunnel {

std::optional<byte_buffer> goodbye_finder::look(byte_view frames) {
  for (;;) {
    auto rest = frames.subspan(seen_);
    const auto found = ws::decode_frame_header(rest, ws::role::client);
    if (found.result != ws::header_decoding::outcome::complete) return std::nullopt;
    rest = rest.subspan(found.header_bytes);
    if (rest.size() < found.header.payload_bytes) return std::nullopt;
    const auto payload_bytes = static_cast<std::size_t>(found.header.payload_bytes);
    seen_ += found.header_bytes + payload_bytes;
    if (found.header.op != ws::opcode::close) continue;
    auto code = to_buffer(rest.first(std::min<std::size_t>(payload_bytes, 2)));
    ws::apply_mask(code, *found.header.mask);
    return code;
  }
}

}  // namespace flowersec::tunnel
