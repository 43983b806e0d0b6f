// Everything the session machine knows about one stream.
// Layer yamux, private. Data and predicates only; the rules that change them are in core.ts.

import type { YamuxErrorCode } from "./errors.js";
import { DEFAULT_MAX_STREAM_WINDOW } from "./limits.js";
import { ReceiveQueue } from "./receive_queue.js";

/** One write that is not done: its bytes that did not leave yet. */
export interface QueuedWrite {
  left: Uint8Array;
  /** Some of it left already. */
  begun: boolean;
  /** All of it left. */
  done: boolean;
}

export class StreamState {
  /** Who looks at it when it was touched. */
  owner: { update(): void } | undefined;

  constructor(
    readonly id: number,
    readonly inbound: boolean,
  ) {}

  /** `open`: a half is open, or input is unread. `finished`: closed in order. `failed`: reset, `why` says how. */
  phase: "open" | "finished" | "failed" = "open";
  why: YamuxErrorCode = "closed";
  /** Counted against the limits. A reset stream is, until the peer can have heard of it. */
  counted = true;

  // Receiving. Invariant: granted + unread.length <= window, so that a stream can never hold more.
  window = DEFAULT_MAX_STREAM_WINDOW;
  granted = DEFAULT_MAX_STREAM_WINDOW;
  unread = new ReceiveQueue();
  finReceived = false;
  /** Nobody reads any more: what arrives is dropped, and earns no credit. */
  discarding = false;

  // For wide windows: bytes read since `sinceMs`, and when it was looked at last.
  consumed = 0;
  sinceMs: number | undefined;
  seenMs: number | undefined;

  // Sending.
  credit = DEFAULT_MAX_STREAM_WINDOW;
  writes: QueuedWrite[] = [];
  queuedBytes = 0;
  finWanted = false;
  finSent = false;

  // Frames due, in the order they leave.
  rstDue = false;
  synDue = false;
  ackDue = false;
  creditDue = false;

  get isOpen(): boolean {
    return this.phase === "open";
  }
  get controlIsDue(): boolean {
    return this.rstDue || this.synDue || this.ackDue || this.creditDue;
  }
  get dataIsDue(): boolean {
    return this.isOpen && (this.queuedBytes > 0 ? this.credit > 0 : this.finWanted && !this.finSent);
  }
  /** Credit that could be given back. */
  get grantable(): number {
    return this.window - this.granted - this.unread.length;
  }
}
