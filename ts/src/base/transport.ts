// The ordered message pipe under a session: a WebSocket, or two queues in a test.
// Layer base, because handshake, record and session all speak to it. Who implements it decides what it is.

import type { Awaitable } from "./awaitable.js";

/** Binary messages, whole and in order, in both directions. */
export interface BinaryTransport {
  /**
   * The next message. Rejects with AbortError, TimeoutError, or what ended the transport. One read at a time. Giving up
   * a read leaves the transport usable: the message that would have been its answer goes to the next one.
   */
  readBinary(options?: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined }): Promise<Uint8Array>;
  /**
   * Sends one message; settles when the transport can take the next one. The frame belongs to the transport from the
   * call on. Aborting rejects and leaves open whether the message went out, so whoever aborts closes.
   */
  writeBinary(frame: Uint8Array, options?: { signal?: AbortSignal | undefined }): Awaitable<void>;
  /** Once a write has settled its frame is the caller's again. Absent: never. */
  readonly copiesFrames?: boolean;
  /** Ends it, and every waiting read and write. Once is enough, more is harmless. */
  close(): void;
}
