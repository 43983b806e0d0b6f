#include "flowersec/rpc/error.h"

namespace flowersec::rpc {

const char* describe(rpc_errc code) noexcept {
  switch (code) {
    case rpc_errc::resource_exhausted:
      return "too many calls in flight, or too many bytes waiting to be written";
    case rpc_errc::ids_exhausted:
      return "all request ids of the stream were used";
    case rpc_errc::invalid_payload:
      return "the payload is not one valid JSON value";
    case rpc_errc::frame_too_large:
      return "the envelope exceeds the frame limit";
    case rpc_errc::invalid_limits:
      return "an RPC limit is out of range";
    case rpc_errc::canceled:
      return "the call was given up by its caller";
    case rpc_errc::timed_out:
      return "the call's time is over";
    case rpc_errc::closed:
      return "the RPC stream was closed by this side";
    case rpc_errc::stream_closed:
      return "the peer closed the RPC stream";
    case rpc_errc::truncated_frame:
      return "the RPC stream ended inside a frame";
    case rpc_errc::stream_reset:
      return "the RPC stream was reset";
    case rpc_errc::bad_frame_length:
      return "an RPC frame is empty or too long";
    case rpc_errc::malformed_envelopes:
      return "too many invalid RPC envelopes in a row";
    case rpc_errc::notification_overflow:
      return "the peer sends notifications faster than they are handled";
    case rpc_errc::refusal_overflow:
      return "the peer sends excess requests faster than it reads the refusals";
  }
  return "unknown RPC error";
}

error_code make_error_code(rpc_errc code) noexcept {
  static constexpr errc_category<rpc_errc> category{"flowersec.rpc"};
  return {static_cast<int>(code), category};
}

}  // namespace flowersec::rpc
