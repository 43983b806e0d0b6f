// Any bytes in two pieces: the parser answers the same as in one, and the checks take any head.
#include <cstdlib>

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
  if (whole.status != pieces.status) std::abort();
  if (whole.status == ws::head_status::complete && whole.rest != pieces.rest) std::abort();
  return 0;
}
