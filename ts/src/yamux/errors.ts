// What can go wrong in the multiplexer, and what each case ends.
// Layer yamux. Source: PROTOCOL, "Yamux".

/** What a YamuxError says, and what it ends. */
export type YamuxErrorCode =
  // A call is refused; nothing else changes.
  | "resource_exhausted" // the limit on live streams, or on bytes waiting to be written, was reached
  | "ids_exhausted" // this side has used its last stream id; open a new session
  | "write_closed" // the sending half was closed by this side
  | "end_of_stream" // the peer closed its sending half and everything was read
  // The stream ends at once in both directions; the session lives.
  | "reset_by_peer" // the peer sent RST
  | "reset_locally" // reset() was called, or a write was given up in the middle
  | "window_exceeded" // the peer sent more than it was granted; it is told by RST
  | "data_after_fin" // the peer sent data after it closed its sending half; it is told by RST
  // The session ends, and every stream with it. The peer sees the transport close.
  | "closed" // this side ended the session
  | "transport_closed" // the channel below ended, between two frames or inside one; the cause says how
  | "go_away" // the peer sent Go Away
  | "bad_version" // header version other than 0
  | "bad_type" // header type above 3
  | "stream_zero" // Data or Window Update on stream id 0
  | "stream_already_open" // SYN for a stream that is alive
  | "frame_too_large" // Data body above maxFrameBytes
  | "credit_overflow" // Window Update that would lift the send window above the protocol's window
  | "session_memory_exceeded" // unread bytes of all streams above maxSessionReceiveBytes
  | "reply_queue_overflow" // the peer opens streams faster than it reads the refusals
  | "ping_timeout"; // a liveness probe was not answered in time

/** Any failure of the multiplexer. `cause` is what was underneath: the channel's error, or the argument of reset(). */
export class YamuxError extends Error {
  override readonly name: string = "YamuxError";
  constructor(
    readonly code: YamuxErrorCode,
    options?: ErrorOptions,
  ) {
    super(`yamux: ${code}`, options);
  }
}

/** A reader wanted more bytes than the stream had left: the peer closed its half. The stream may still be written to. */
export class StreamEOFError extends YamuxError {
  override readonly name = "StreamEOFError";
  constructor() {
    super("end_of_stream");
  }
}

/** The stream ended before its end: `code` says who reset it, or why the session ended under it. Open another one. */
export class YamuxStreamResetError extends YamuxError {
  override readonly name = "YamuxStreamResetError";
}

/** What a limit counts. */
export type YamuxResource = "active_streams" | "inbound_streams" | "stream_write_queue_bytes" | "session_receive_bytes";

/** A call was refused by a limit of this side; nothing of it was sent. It may be tried again when others have ended. */
export class YamuxResourceExhaustedError extends YamuxError {
  override readonly name = "YamuxResourceExhaustedError";
  /** `current` is what was held already, without the refused call. */
  constructor(
    readonly resource: YamuxResource,
    readonly current: number,
    readonly limit: number,
  ) {
    super("resource_exhausted");
  }
}

/** A liveness probe was not answered in time. The session has ended. */
export class YamuxPingTimeoutError extends YamuxError {
  override readonly name = "YamuxPingTimeoutError";
  constructor() {
    super("ping_timeout");
  }
}

/** Whether an error is a StreamEOFError. */
export const isStreamEOFError = (error: unknown): error is StreamEOFError => error instanceof StreamEOFError;
/** Whether an error is a YamuxStreamResetError. */
export const isYamuxStreamResetError = (error: unknown): error is YamuxStreamResetError =>
  error instanceof YamuxStreamResetError;
/** Whether an error is a YamuxResourceExhaustedError. */
export const isYamuxResourceExhaustedError = (error: unknown): error is YamuxResourceExhaustedError =>
  error instanceof YamuxResourceExhaustedError;
/** Whether an error is a YamuxPingTimeoutError. */
export const isYamuxPingTimeoutError = (error: unknown): error is YamuxPingTimeoutError =>
  error instanceof YamuxPingTimeoutError;
