// Time as a parameter, so that tests own it.
// Layer base.

/** Ends a timer; harmless after it fired. */
export type CancelTimer = () => void;

/** A monotonic clock with timers, and the wall clock. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  monoMs(): number;
  /** Unix time in whole seconds. */
  unixSeconds(): number;
  /** Calls `then` once, after so many milliseconds. A `background` timer keeps no process alive, where there are processes. */
  after(ms: number, then: () => void, background?: boolean): CancelTimer;
}

// setTimeout fires at once for anything longer, 24 days.
const longestTimerMs = 2 ** 31 - 1;

/** The platform's clock. */
export const systemClock: Clock = {
  monoMs: () => performance.now(),
  unixSeconds: () => Math.floor(Date.now() / 1000),
  after(ms, then, background = false) {
    const timer: unknown = setTimeout(then, Math.min(ms, longestTimerMs));
    if (background) (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer as number);
  },
};
