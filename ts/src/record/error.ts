// Everything that can go wrong in the record layer.
// Layer record. Source: PROTOCOL, "Records". Nothing here is told to the peer: who refuses a record closes the transport.

/** Receiving, in the order of the checks; each of these ends the channel. Then sending. */
export type RecordErrorCode =
  | "too_large" // frame larger than maxRecordBytes
  | "too_short" // frame shorter than its 18-byte header
  | "bad_magic" // does not begin with FSEC
  | "bad_version" // record version other than 1
  | "bad_flags" // flags other than app, ping or rekey
  | "bad_sequence" // a gap, a repetition or a reordering
  | "size_mismatch" // header and announced length do not add up to the message
  | "open_failed" // did not authenticate; no cause is distinguished
  | "exhausted" // sequence numbers are used up, in either direction
  | "not_server_finished" // authentic, but not the empty ping that ends the handshake
  | "inbound_overflow" // more plaintext unread than maxBufferedBytes
  // The call is refused, the channel lives on.
  | "outbound_overflow" // the write does not fit maxOutboundBufferedBytes; nothing of it is sent
  | "chunk_too_large" // more plaintext than one record takes
  // The rest.
  | "closed" // the channel was closed; its keys are gone
  | "bad_limits"; // an option is out of range; no channel comes to exist

/** A record, or a call on a channel, was refused. */
export class RecordError extends Error {
  override readonly name = "RecordError";
  constructor(
    readonly code: RecordErrorCode,
    options?: ErrorOptions,
  ) {
    super(`record: ${code}`, options);
  }
}
