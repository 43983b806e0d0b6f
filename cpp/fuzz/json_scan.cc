// The span scanner never crashes, and what it accepts the library's parser accepts too.
#include "flowersec/base/json_scan.h"

#include <cstdint>
#include <cstdlib>

#include "flowersec/base/bytes.h"
#include "flowersec/base/json.h"
#include "flowersec/base/json_frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const bool scanned = flowersec::scan_json_object(
      text, [](const flowersec::json_member& member) { (void)flowersec::decode_json_string(member.raw_value); });
  if (scanned && !flowersec::parse_json_object(text, size)) std::abort();
  flowersec::json_frame_splitter splitter{64};
  for (auto input = flowersec::as_bytes(text); !input.empty();) {
    if (splitter.consume(input) == flowersec::json_frame_splitter::status::bad_length) break;
  }
  return 0;
}
