// Any bytes in two pieces: the parser answers the same as in one, and the checks take any head.
#include <cstdlib>

#include "flowersec/base/bytes.h"
#include "flowersec/ws/upgrade.h"

using namespace flowersec;

namespace {

struct outcome {
  ws::head_status status = ws::head_status::need_more;
  std::size_t rest = 0;
};

outcome parse(byte_view bytes, std::size_t first_piece) {
  static const auto origins = ws::origin_policy::allow_list({"https://app.example"}, true);
  ws::request_head_parser parser{2048};
  auto first = bytes.first(first_piece);
  const auto second = bytes.subspan(first_piece);
  outcome out{parser.consume(first), 0};
  out.rest = first.size() + second.size();
  if (out.status == ws::head_status::need_more && !second.empty()) {
    auto piece = second;
    out.status = parser.consume(piece);
    out.rest = piece.size();
  }
  if (out.status == ws::head_status::complete) {
    if (!ws::check_upgrade(parser.head(), *origins)) (void)ws::accept_text(parser.head());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const byte_view bytes = std::as_bytes(std::span{data + 1, size - 1});
  const auto split = bytes.empty() ? 0 : data[0] % bytes.size();
  const auto whole = parse(bytes, bytes.size());
  const auto pieces = parse(bytes, split);
  const auto refused = [](ws::head_status status) {
    return status == ws::head_status::invalid || status == ws::head_status::too_large;
  };
  // What is nonsense and too long is refused for what is noticed first.
  if (refused(whole.status) && refused(pieces.status)) return 0;
  // Nonsense may be noticed before its end, or, when it came in pieces, only there: then it is no good head either.
  const auto noticed_early = [](const outcome& one, const outcome& other) {
    return one.status == ws::head_status::invalid && other.status == ws::head_status::need_more;
  };
  if (noticed_early(whole, pieces) || noticed_early(pieces, whole)) {
    byte_buffer ended = to_buffer(bytes);
    append(ended, "\r\n\r\n");
    for (const auto first_piece : {ended.size(), split}) {
      if (!refused(parse(ended, first_piece).status)) std::abort();
    }
    return 0;
  }
  if (whole.status != pieces.status) std::abort();
  if (whole.status == ws::head_status::complete && whole.rest != pieces.rest) std::abort();
  return 0;
}
