// How receive windows grow with the path, where both sides have agreed to it.
// Layer yamux, private. Arithmetic on streams, without I/O. Clients load it when a stream first earns credit, so it imports
// nothing. Source: PROTOCOL, "Wide windows".

import type { CheckedYamuxLimits } from "./limits.js";
import type { StreamState } from "./stream_state.js";

/** A stream that was looked at so recently is receiving; on a long path, as many round trips ago. */
const receivingMs = 1000;
const receivingRoundTrips = 4;
/** A window that was used up in so many round trips is too small. */
const fastRoundTrips = 2;
/** What counts as a round trip at least: clocks of browsers are coarse. */
const shortestRoundTripMs = 1;
/** A round trip is measured no more often than this. */
const measureEveryMs = 1000;

/** What the streams of a session share. */
export interface WidePath {
  readonly streams: ReadonlyMap<number, StreamState>;
  readonly limits: CheckedYamuxLimits;
  /** When a round trip was last asked for, how long the last one took, and the shortest; undefined before that. */
  readonly probedAtMs: number;
  readonly roundTripMs: number | undefined;
  shortestMs: number | undefined;
  startProbe(nowMs: number): void;
}

/** `narrow` and `wide` are what a window has at least and at most. */
export type TuneWindow = (stream: StreamState, path: WidePath, nowMs: number, narrow: number, wide: number) => void;

/** Says that both sides have agreed on wide windows, and how ours grow. */
export interface WideWindows {
  tune: TuneWindow;
}

/** From here on windows grow, and the channel below has room for what they let the peer send. More than once is harmless. */
export function begin(wide: WideWindows, channel: { maxBufferedBytes: number }, { wideWindowSessionBytes }: CheckedYamuxLimits): void {
  if (wide.tune === tune) return;
  wide.tune = tune;
  channel.maxBufferedBytes += wideWindowSessionBytes;
}

/**
 * Looks at a stream each time half of a first window more was read, however its credit is granted: doubles a window that
 * was used up quickly, as far as its share goes, and takes in what is above its share, as far as it is not granted.
 * Measures the round trip where that may change something.
 */
export const tune: TuneWindow = (stream, path, nowMs, narrow, wide) => {
  const { wideWindowSessionBytes } = path.limits;
  if (wideWindowSessionBytes === 0) return;
  const { window, consumed, sinceMs } = stream;
  const shortestMs = (path.shortestMs = Math.min(path.shortestMs ?? Infinity, path.roundTripMs ?? Infinity));
  const isMeasured = shortestMs < Infinity;
  const roundTripMs = isMeasured ? Math.max(shortestMs, shortestRoundTripMs) : 0;
  stream.seenMs = nowMs;
  let [receiving, idleExcess, excess] = [0, 0, 0];
  for (const each of path.streams.values()) {
    if (!each.isOpen || each.discarding) continue;
    // What gets no more has left its window to the others, but for what is unread.
    const over = each.finReceived ? Math.max(0, each.unread.length - narrow) : each.window - narrow;
    excess += over;
    if (!each.finReceived && nowMs - (each.seenMs ?? -Infinity) <= Math.max(receivingMs, receivingRoundTrips * roundTripMs)) receiving++;
    else idleExcess += over;
  }
  const share = Math.min(wide, narrow + Math.floor((wideWindowSessionBytes - idleExcess) / receiving));
  if (window > share) {
    stream.window = Math.max(share, stream.granted + stream.unread.length);
    return;
  }
  const isFirst = sinceMs === undefined;
  if (!isFirst && consumed < window) return;
  if (!isFirst && isMeasured && nowMs - sinceMs <= fastRoundTrips * roundTripMs) {
    stream.window += Math.min(window, share - window, wideWindowSessionBytes - excess);
  }
  stream.consumed = 0;
  stream.sinceMs = nowMs;
  const mayGrow = isFirst || (stream.window > window && stream.window < wide);
  if (mayGrow && (!isMeasured || nowMs - path.probedAtMs >= measureEveryMs)) path.startProbe(nowMs);
};
