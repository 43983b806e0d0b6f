// Numbers of the multiplexer: what the protocol fixes, and what an application may tune.
// Layer yamux. Source: PROTOCOL, "Yamux limits", "Flow control".

import { positiveLimits, yamuxDefaults } from "../base/index.js";

/** Window of every stream in each direction, in bytes. Part of the protocol: a peer ends the session when granted more. */
export const DEFAULT_MAX_STREAM_WINDOW = 262_144;

/** Most that a window may grow to, in bytes, where both sides have agreed on wide windows. Part of the protocol as well. */
export const WIDE_WINDOW_BYTES = 4_194_304;

/** Ping replies that wait to be written; further requests are not answered. */
export const maxQueuedPingReplies = 256;

/**
 * Refusals of streams that wait to be written: more than fit into one record of a well-behaved peer. A peer that opens
 * faster than it reads the refusals ends its session here instead of growing our memory.
 */
export const maxQueuedRefusals = 8192;

/** One batch of frames given to the channel, unless told otherwise: the plaintext of one record. */
export const defaultBatchBytes = 65_536;

/** Bytes given to the channel and not taken by it yet: enough for several records to be sealed at once. */
export const defaultUnsentBytes = 262_144;

/**
 * What an application may tune. All are positive integers but for one that may be 0; absent ones have the default of
 * DEFAULT_YAMUX_LIMITS. Worst memory of one session: maxSessionReceiveBytes of unread data, wideWindowSessionBytes more
 * with wide windows, and maxActiveStreams * maxStreamWriteQueueBytes of writes.
 */
export interface YamuxLimits {
  /** Streams of both origins alive at once. */
  readonly maxActiveStreams?: number | undefined;
  /** Streams opened by the peer alive at once; one more is refused with RST. At most maxActiveStreams. */
  readonly maxInboundStreams?: number | undefined;
  /** Largest Data body accepted; a larger one ends the session. At most maxStreamReceiveBytes. */
  readonly maxFrameBytes?: number | undefined;
  /** Largest Data body produced. At most maxFrameBytes; absent: 65536, or maxFrameBytes if that is less. */
  readonly preferredOutboundFrameBytes?: number | undefined;
  /** Unread bytes per stream. At least the protocol's window, because that much is granted whatever is set here. */
  readonly maxStreamReceiveBytes?: number | undefined;
  /** Unread bytes over all streams; above it the session ends. At least maxStreamReceiveBytes. */
  readonly maxSessionReceiveBytes?: number | undefined;
  /** Bytes of accepted, unfinished writes per stream; a write above it is refused. */
  readonly maxStreamWriteQueueBytes?: number | undefined;
  /**
   * Bytes by which all receive windows together may grow beyond the protocol's, with a peer that agrees to it; 0 to 2 ** 30.
   * 0: an endpoint does not offer wide windows, and no window grows.
   */
  readonly wideWindowSessionBytes?: number | undefined;
}

/** Limits with nothing left open. */
export type CheckedYamuxLimits = { readonly [Name in keyof YamuxLimits]-?: number };

/** What holds when nothing else is said. Source: docs/LIMITS.md. */
export const DEFAULT_YAMUX_LIMITS: CheckedYamuxLimits = yamuxDefaults;

/** Fills in the defaults. Throws RangeError for what is no positive integer, and for limits that contradict each other. */
export function checkYamuxLimits(given: YamuxLimits = {}): CheckedYamuxLimits {
  const limits = positiveLimits(DEFAULT_YAMUX_LIMITS, given, "wideWindowSessionBytes");
  if (given.preferredOutboundFrameBytes === undefined) {
    limits.preferredOutboundFrameBytes = Math.min(DEFAULT_YAMUX_LIMITS.preferredOutboundFrameBytes, limits.maxFrameBytes);
  }
  const bytes = (one: keyof CheckedYamuxLimits | number) => limits[one as keyof CheckedYamuxLimits] ?? one;
  const atMost = (low: keyof CheckedYamuxLimits | number, high: keyof CheckedYamuxLimits | number) => {
    if (bytes(low) > bytes(high)) throw new RangeError(`${low} must be at most ${high}`);
  };
  atMost("maxInboundStreams", "maxActiveStreams");
  atMost("preferredOutboundFrameBytes", "maxFrameBytes");
  atMost("maxFrameBytes", "maxStreamReceiveBytes");
  atMost("maxStreamReceiveBytes", "maxSessionReceiveBytes");
  atMost(DEFAULT_MAX_STREAM_WINDOW, "maxStreamReceiveBytes");
  return limits;
}
