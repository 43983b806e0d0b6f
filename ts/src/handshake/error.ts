// Everything that can end a handshake.
// Layer handshake. Source: PROTOCOL, "Handshake"; docs/ERRORS.md. There is no error frame: whatever went wrong, the peer
// only sees the transport close.

/** Any frame, in the order of the checks. */
export type FramingErrorCode =
  | "frame_too_short" // fewer than the 10 bytes of the header
  | "bad_magic" // does not begin with FSEH
  | "unsupported_frame_version" // frame version other than 1
  | "payload_too_large" // announced length above maxHandshakePayload, of the peer's frame or of our own
  | "size_mismatch" // header and announced length do not add up to the message
  | "unexpected_type"; // a message that does not belong in this state, or after the end

/** Each value ends the handshake and with it the transport. */
export type HandshakeErrorCode =
  | FramingErrorCode
  | "malformed_message" // not the JSON object that the type calls for
  // INIT, in the order of the checks.
  | "unsupported_init_version" // version other than 1
  | "wrong_role" // role other than client
  | "empty_channel_id"
  | "wrong_channel_id" // not the channel this server serves
  | "wrong_suite" // not the configured suite; suites are not negotiated
  | "malformed_public_key" // not canonical base64url, or not the size of the suite (INIT and RESP)
  | "malformed_nonce" // not canonical base64url of 32 bytes (INIT and RESP)
  | "different_init" // a retry that is not the same INIT
  | "cache_full" // the cache holds maxEntries unfinished handshakes
  // INIT before a credential is known (peekInit).
  | "blank_channel_id" // channel_id is empty or only white space
  | "malformed_channel_id" // channel_id has white space around it or is longer than 256 bytes
  | "unsupported_init" // version, role or suite that no credential could allow
  // RESP.
  | "empty_handshake_id"
  // ACK, in the order of the checks.
  | "state_lost" // the cached response expired, was replaced or was consumed by an earlier ACK
  | "wrong_handshake_id" // not the id of our RESP
  | "timestamp_out_of_skew" // the client's clock is further away than the skew
  | "timestamp_after_init_exp" // the client came after the init window and the skew
  | "malformed_auth_tag" // not canonical base64url of 32 bytes
  | "auth_tag_mismatch" // another PSK, or a transcript changed on the way
  | "key_agreement_failed" // invalid point, or an all-zero shared secret (ACK and RESP)
  // Our own side.
  | "bad_psk" // option psk is not 32 bytes
  | "bad_suite" // option suite is neither 1 nor 2
  | "bad_channel_id" // option channelId is empty or longer than 256 bytes
  | "missing_init_exp" // option initExpireAtUnixS is not in 1..2^53-1
  | "bad_skew" // option clockSkewSeconds is not an integer >= 0
  | "bad_limits" // an option is out of range
  | "clock_out_of_range" // our clock is before 1970 or beyond 2^53-1 seconds
  | "random_failed"; // the system has no randomness

/** A handshake ended; `code` says where. */
export class HandshakeError extends Error {
  override readonly name: string = "HandshakeError";
  constructor(
    readonly code: HandshakeErrorCode,
    options?: ErrorOptions,
  ) {
    super(`handshake: ${code}`, options);
  }
}

/** A handshake frame was refused before its payload was read. */
export class FramingError extends HandshakeError {
  override readonly name = "FramingError";
  constructor(override readonly code: FramingErrorCode) {
    super(code);
  }
}
