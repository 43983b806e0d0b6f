#include "flowersec/session/error.h"

namespace flowersec::session {

const char* describe(session_errc code) noexcept {
  using enum session_errc;
  switch (code) {
    case invalid_options:
      return "a session option is out of range";
    case handshake_timeout:
      return "the session was not up in time";
    case canceled:
      return "given up by the caller";
    case wrong_message:
      return "a message that has no place here";
    case transport_closed:
      return "the transport was closed";
    case closed_here:
      return "closed by this side";
    case probe_timeout:
      return "the peer did not answer a probe";
    case send_timeout:
      return "the transport takes no more bytes";
    case held_too_long:
      return "a message arrived before the credential was confirmed";
    case missing_kind:
      return "the stream kind is empty";
    case open_failed:
      return "the stream could not be opened";
    case open_limit:
      return "too many streams are open";
    case open_canceled:
      return "opening was given up by the caller";
    case hello_invalid:
      return "the stream hello is not valid";
    case hello_timeout:
      return "the stream hello did not come in time";
    case no_handler:
      return "nobody handles this stream kind";
    case accept_ended:
      return "no more streams will come";
    case accept_canceled:
      return "accepting was given up by the caller";
    case accept_busy:
      return "streams are being accepted already";
    case channel_gone:
      return "the secure channel is gone";
    case streams_gone:
      return "the session is gone";
    case rpc_gone:
      return "the rpc stream is gone";
    case controls_full:
      return "too many ping and rekey records are waiting";
    case ping_failed:
      return "the ping could not be sent";
    case rekey_failed:
      return "the rekey record could not be sent";
    case probe_canceled:
      return "the probe was given up by the caller";
    case probe_failed:
      return "the session ended before the probe was answered";
    case rpc_canceled:
      return "the call was given up by the caller";
    case rpc_timeout:
      return "the call took too long";
  }
  return "unknown session error";
}

error_code make_error_code(session_errc code) noexcept {
  static constexpr errc_category<session_errc> category{"flowersec.session"};
  return {static_cast<int>(code), category};
}

}  // namespace flowersec::session
