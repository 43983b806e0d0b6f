// Any text as an RPC envelope or a stream hello. The envelope's payload must lie inside the text and pass through
// verbatim.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "flowersec/base/json_scan.h"
#include "flowersec/messages/rpc_v1.h"

using namespace flowersec::messages::rpc::v1;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto hello = decode_stream_hello(text)) {
    if (!decode_stream_hello(encode(*hello))) std::abort();
  }
  const auto envelope = decode_rpc_envelope(text);
  if (!envelope) return 0;
  if (envelope->request_id > max_rpc_id || envelope->response_to > max_rpc_id) std::abort();
  if (!flowersec::is_valid_json(envelope->payload)) std::abort();
  const auto written = encode(*envelope);
  const auto again = decode_rpc_envelope(written);
  if (!again || again->payload != envelope->payload || again->error != envelope->error || encode(*again) != written) {
    std::abort();
  }
  return 0;
}
