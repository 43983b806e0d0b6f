// What can go wrong with RPC on this side, and what each case ends.
// Layer rpc. What a peer answers is RpcCallError. Source: PROTOCOL, "RPC".

/** What an RpcStreamError says, and what it ends. */
export type RpcStreamErrorCode =
  // A call or notification is refused before anything was written; the RPC stream lives.
  | "ids_exhausted" // the last request id was used; open a new RPC stream
  | "resource_exhausted" // too many bytes of notifications wait to be written
  // The RPC stream ends, and with it every pending call.
  | "closed" // this side ended it
  | "stream_closed" // the peer closed it, or it was reset; the cause says how
  | "bad_frame_length" // a frame of length 0 or above the limit: the position in the stream is lost
  | "malformed_envelopes" // the third envelope in a row that is not valid
  | "notification_overflow" // more notifications wait than their limits allow
  | "refusal_overflow"; // the peer sends excess requests faster than it reads the refusals

/** A failure of the RPC stream, or of this side's use of it. */
export class RpcStreamError extends Error {
  override readonly name = "RpcStreamError";
  constructor(
    readonly code: RpcStreamErrorCode,
    options?: ErrorOptions,
  ) {
    super(`rpc: ${code}`, options);
  }
}
