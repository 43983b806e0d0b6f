// Automatic probes: is the peer still there?
// Layer session. Source: PROTOCOL, "Liveness".

import type { CancelTimer, Clock } from "../base/index.js";

/** Milliseconds. */
export interface LivenessOptions {
  /** Between the end of a probe and the next one; 0, the default, is off. */
  readonly intervalMs?: number | undefined;
  /** How long an answer may take, also that of a probe asked for. Default: the interval, at most 10 000. */
  readonly timeoutMs?: number | undefined;
}

/** Checked. */
export interface Liveness {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

const longestMs = 10_000;
const shortestMs = 500;

/** No automatic probes; one that is asked for has 10 s. */
export const noLiveness: Liveness = { intervalMs: 0, timeoutMs: longestMs };

/** As an idle time-out wants it: probes keep the channel from falling idle. */
export function livenessOfIdleTimeout(seconds: number): Liveness {
  const idleMs = seconds * 1000;
  if (idleMs <= 0) return noLiveness;
  const intervalMs = idleMs > shortestMs ? Math.max(shortestMs, idleMs / 2) : idleMs / 2;
  return { intervalMs, timeoutMs: Math.min(longestMs, intervalMs) };
}

/** Calls `probe` again and again until it rejects. Returns what stops that. Its timer keeps no process alive. */
export function keepProbing(intervalMs: number, probe: () => Promise<unknown>, clock: Clock): () => void {
  let cancel: CancelTimer | undefined = () => {};
  const stop = () => {
    cancel?.();
    cancel = undefined;
  };
  const schedule = () => {
    if (cancel) cancel = clock.after(intervalMs, () => void probe().then(schedule, stop), true);
  };
  if (intervalMs > 0) schedule();
  return stop;
}
