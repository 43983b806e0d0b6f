// Limits of a WebSocket's queues.
// Layer ws. Source: docs/LIMITS.md.

import { positiveLimits, webSocketDefaults } from "../base/index.js";

/** Bytes unless the name says otherwise; each a positive integer, low <= high <= hard. */
export interface WebSocketLimits {
  /** Of messages received and not yet read, nothing else counted: what a peer can make us hold. Default 4 MiB. */
  readonly maxInboundQueuedBytes: number;
  /** Their number, for even an empty one costs some 256 bytes: 4 MiB more by default. Default 16 384. */
  readonly maxInboundQueuedMessages: number;
  /** Writing goes on when no more than this waits for the network. Default 256 KiB. */
  readonly outboundLowWatermarkBytes: number;
  /** Writers wait above this. Default 1 MiB. */
  readonly outboundHighWatermarkBytes: number;
  /** One frame, or everything that waits, above this ends the connection. Default 4 MiB. */
  readonly outboundHardLimitBytes: number;
  /** Milliseconds that writers wait for a network that takes nothing. Default 10 000. */
  readonly outboundDrainTimeoutMs: number;
}

/** What holds when nothing else is said. */
export const DEFAULT_WEB_SOCKET_LIMITS: WebSocketLimits = Object.freeze({ ...webSocketDefaults });

/** Defaults filled in. Throws RangeError for what is no positive integer, and unless low <= high <= hard. */
export function resolveWebSocketLimits(given: { readonly [name in keyof WebSocketLimits]?: number | undefined } = {}): WebSocketLimits {
  const limits = positiveLimits(DEFAULT_WEB_SOCKET_LIMITS, given);
  const { outboundLowWatermarkBytes: low, outboundHighWatermarkBytes: high, outboundHardLimitBytes: hard } = limits;
  if (low > high || high > hard) throw new RangeError("outbound: low <= high <= hard");
  return limits;
}
