#include "envelope.h"

#include "flowersec/base/text.h"

namespace flowersec::rpc {

envelope_kind kind_of(const rpc_envelope& envelope) noexcept {
  if (envelope.response_to != 0) return envelope_kind::response;
  return envelope.request_id != 0 ? envelope_kind::request : envelope_kind::notification;
}

result<byte_buffer> encode_frame(const rpc_envelope& envelope, std::size_t max_bytes) {
  if (envelope.payload.size() > max_bytes) return rpc_errc::frame_too_large;  // not worth printing
  const auto text = encode(envelope);
  if (text.size() > max_bytes) return rpc_errc::frame_too_large;
  // Read back what the peer will read. A payload that is not one value, or brings members of its own, shows here.
  const auto read_back = messages::rpc::v1::decode_rpc_envelope(text);
  const auto payload = envelope.payload.empty() ? std::string_view{"null"} : trim(envelope.payload);
  if (!read_back || read_back->payload != payload) return rpc_errc::invalid_payload;
  return encode_json_frame(text);
}

call_result result_of(const reply& answer) noexcept {
  if (answer.ok()) return call_result::ok;
  switch (answer.error->code) {
    case status::handler_not_found:
      return call_result::handler_not_found;
    case status::server_overloaded:
      return call_result::resource_exhausted;
    default:
      return call_result::rpc_error;
  }
}

}  // namespace flowersec::rpc
