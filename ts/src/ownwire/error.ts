// What goes wrong with a chat.
// Layer ownwire.

/**
 * What happened.
 *
 * | code | what | next |
 * |---|---|---|
 * | `invalid_url`, `insecure_origin`, `missing_key`, `invalid_key`, `invalid_option` | thrown by the constructor; `invalid_key` also by a first connect | nothing is tried |
 * | `closed` | thrown by send() after the end; what connect() rejects with when close() comes first | |
 * | `queue_full`, `content_too_large` | thrown by send(); the latter is also the gateway's answer to a text | that text was not taken |
 * | `rate_limited`, `backend_unavailable` | the gateway did not take a text, whose id is there. Without an id: `rate_limited` keeps newcomers out | the user may send it again; without an id it is tried again |
 * | `connect_failed`, `connect_timeout`, `connection_lost`, `ack_timeout`, `shutting_down` | no connection, or none any more | it is tried again |
 * | `unknown_key`, `handshake_failed`, `handshake_timeout`, `open_timeout`, `invalid_open` | the other side did not prove that it holds the pinned key; what it said of that is not authenticated | it is tried again, with the same key |
 * | `invalid_frame` | the other side broke the rules, or says that we did; then fatal | tried again unless fatal |
 * | `metadata_too_large`, `session_taken` | the gateway ended it; the latter: another page took the session over | over |
 * | `session_unknown` | the gateway has forgotten the session; a new one follows | goes on by itself |
 * | `handler_failed` | a function of the application threw; see `cause` | goes on |
 * | `other` | the gateway says something that this version does not know | as `fatal` says |
 */
export type OwnwireErrorCode =
  | "invalid_url" | "insecure_origin" | "missing_key" | "invalid_key" | "invalid_option" | "closed" | "queue_full" | "content_too_large"
  | "rate_limited" | "backend_unavailable" | "connect_failed" | "connect_timeout" | "connection_lost" | "ack_timeout" | "shutting_down"
  | "unknown_key" | "handshake_failed" | "handshake_timeout" | "open_timeout" | "invalid_open" | "invalid_frame" | "metadata_too_large"
  | "session_taken" | "session_unknown" | "handler_failed" | "other";

/** The one error class of a chat. Branch on `code`; the text is for people. It holds neither texts nor tokens. */
export class OwnwireError extends Error {
  override readonly name = "OwnwireError";
  /** What happened. */
  readonly code: OwnwireErrorCode;
  /** Of the text that it is about, as send() gave it. */
  readonly id?: number;
  /** Whether the chat is over with it. */
  readonly fatal: boolean;

  /** `message` is the detail after the code. */
  constructor(code: OwnwireErrorCode, details: { message?: string | undefined; id?: number | undefined; fatal?: boolean | undefined; cause?: unknown } = {}) {
    const { message, id, fatal = false, cause } = details;
    super(`ownwire: ${code}${message === undefined ? "" : `: ${message}`}`, cause === undefined ? undefined : { cause });
    this.code = code;
    if (id !== undefined) this.id = id;
    this.fatal = fatal;
  }
}
