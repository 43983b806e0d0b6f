// Everything that can end a handshake, and how the public error model names it.
// Layer handshake. Source: PROTOCOL, "Handshake"; docs/ERRORS.md. There is no error frame: whatever went
// wrong, the peer only sees the transport close.
#pragma once

#include "flowersec/base/error.h"

namespace flowersec::handshake {

/// Each value ends the handshake and with it the transport.
enum class handshake_errc {
  // Any frame, in the order of the checks.
  frame_too_short = 1,        ///< fewer than the 10 bytes of the header
  bad_magic,                  ///< does not begin with FSEH
  unsupported_frame_version,  ///< frame version other than 1
  payload_too_large,          ///< announced length above max_payload_bytes, of the peer's frame or of our own
  size_mismatch,              ///< header and announced length do not add up to the message
  unexpected_type,            ///< a message that does not belong in this state, or after the end
  malformed_message,          ///< not the JSON object that the type calls for

  // INIT, in the order of the checks.
  unsupported_init_version,  ///< version other than 1
  wrong_role,                ///< role other than client
  empty_channel_id,          ///< channel_id is empty
  wrong_channel_id,          ///< not the channel this server serves
  wrong_suite,               ///< not the configured suite; suites are not negotiated
  malformed_public_key,      ///< not canonical base64url, or not the size of the suite (INIT and RESP)
  malformed_nonce,           ///< not canonical base64url of 32 bytes (INIT and RESP)
  different_init,            ///< a retry that is not the same INIT
  cache_full,                ///< the response cache holds max_entries unfinished handshakes

  // INIT before a credential is known (peek_init).
  blank_channel_id,      ///< channel_id is empty or only white space
  malformed_channel_id,  ///< channel_id has white space around it or is longer than 256 bytes; also of an INIT whose
                         ///< channel_id is longer than the 65535 bytes that a transcript can hold
  unsupported_init,      ///< version, role or suite that no credential could allow

  // RESP.
  empty_handshake_id,  ///< handshake_id is empty

  // ACK, in the order of the checks.
  state_lost,                ///< the cached response expired, was replaced or was consumed by an earlier ACK
  wrong_handshake_id,        ///< not the id of our RESP
  timestamp_out_of_skew,     ///< the client's clock is further away than the skew
  timestamp_after_init_exp,  ///< the client came after the init window and the skew
  malformed_auth_tag,        ///< not canonical base64url of 32 bytes
  auth_tag_mismatch,         ///< another PSK, or a transcript changed on the way
  key_agreement_failed,      ///< invalid point, or an all-zero shared secret (ACK and RESP)

  // Our own side.
  bad_channel_id,      ///< options: channel_id empty or longer than 256 bytes
  missing_init_exp,    ///< options: init_exp not in 1..2^53-1
  negative_skew,       ///< options: skew below zero
  bad_limits,          ///< options: a limit is out of range
  clock_out_of_range,  ///< our clock is before 1970 or beyond 2^53-1 seconds
  random_failed,       ///< the system has no randomness
};

[[nodiscard]] const char* describe(handshake_errc code) noexcept;
[[nodiscard]] error_code make_error_code(handshake_errc code) noexcept;

/// The public {stage, code} pairs a handshake can end in; the name before the slash is the stage.
enum class public_code {
  handshake_failed,          ///< handshake/handshake_failed: everything that has no name of its own
  invalid_suite,             ///< handshake/invalid_suite
  invalid_version,           ///< handshake/invalid_version
  timestamp_out_of_skew,     ///< handshake/timestamp_out_of_skew
  timestamp_after_init_exp,  ///< handshake/timestamp_after_init_exp
  auth_tag_mismatch,         ///< handshake/auth_tag_mismatch
  missing_channel_id,        ///< validate/missing_channel_id
  invalid_input,             ///< validate/invalid_input
  missing_init_exp,          ///< validate/missing_init_exp
  invalid_option,            ///< validate/invalid_option
  random_failed,             ///< validate/random_failed
};

/// Source   docs/ERRORS.md.
[[nodiscard]] public_code to_public_code(handshake_errc code) noexcept;

}  // namespace flowersec::handshake

FLOWERSEC_REGISTER_ERRC(flowersec::handshake::handshake_errc)
