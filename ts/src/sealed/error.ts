// What is refused about keys, boxes and open messages.
// Layer sealed.

/** `bad_key` and `bad_channel_id` are the caller's own; of what the other side sent it is only said that it was refused. */
export type SealedErrorCode = "bad_key" | "bad_channel_id" | "bad_psk" | "open_failed" | "invalid_open" | "unknown_key" | "open_timeout";

/** A key, box or open message that cannot be. The text holds nothing secret. */
export class SealedError extends Error {
  override readonly name = "SealedError";
  constructor(
    readonly code: SealedErrorCode,
    options?: ErrorOptions,
  ) {
    super(`sealed: ${code}`, options);
  }
}
