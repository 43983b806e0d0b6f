// Waiting that can be given up: signals, deadlines, promises settled from outside.
// Layer base. Every helper takes its listener and its timer away again, however the wait ends.

import type { Awaitable } from "./awaitable.js";
import { systemClock, type Clock } from "./clock.js";
import { AbortError, TimeoutError } from "./errors.js";

/** A promise and what settles it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: Awaitable<T>): void;
  reject(reason: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: Deferred<T>["resolve"];
  let reject!: Deferred<T>["reject"];
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** The error of a fired signal: an AbortError whose cause is the signal's reason; a reason that is one already is kept. */
export function abortErrorOf(signal: AbortSignal): AbortError {
  const reason: unknown = signal.reason;
  return reason instanceof AbortError ? reason : new AbortError("aborted", { cause: reason });
}

/** Throws abortErrorOf(signal) when it has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortErrorOf(signal);
}

/** Calls `then` once when the signal fires, at once when it has. Returns what removes the listener. */
export function onAbort(signal: AbortSignal | undefined, then: (error: AbortError) => void): () => void {
  if (!signal) return () => {};
  const fire = () => then(abortErrorOf(signal));
  if (signal.aborted) {
    fire();
    return () => {};
  }
  signal.addEventListener("abort", fire, { once: true });
  return () => signal.removeEventListener("abort", fire);
}

/**
 * Waits for `work` unless the signal fires first; then rejects with AbortError. `work` itself goes on: `onAborted` is
 * where to stop it. Its later failure is nobody's and is swallowed.
 */
export function withAbort<T>(work: PromiseLike<T>, signal: AbortSignal | undefined, onAborted?: () => void): Promise<T> {
  return withDeadline(work, { signal }, onAborted);
}

/** Limits of one wait. No `timeoutMs`, 0 or Infinity: no time limit. */
export interface WaitOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  clock?: Clock | undefined;
}

/** withAbort with a time limit: rejects with TimeoutError when it passes. `onGivenUp` is told of both. */
export function withDeadline<T>(
  work: PromiseLike<T>,
  options: WaitOptions,
  onGivenUp?: (error: AbortError | TimeoutError) => void,
): Promise<T> {
  const { signal, timeoutMs = 0, clock = systemClock } = options;
  return new Promise<T>((resolve, reject) => {
    let stopTimer = () => {};
    let stopListening = () => {};
    const stop = () => {
      stopTimer();
      stopListening();
    };
    const giveUp = (error: AbortError | TimeoutError) => {
      stop();
      reject(error);
      onGivenUp?.(error);
    };
    work.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
    if (signal?.aborted) return giveUp(abortErrorOf(signal));
    if (timeoutMs > 0 && timeoutMs < Infinity) stopTimer = clock.after(timeoutMs, () => giveUp(new TimeoutError()));
    stopListening = onAbort(signal, giveUp);
  });
}

/** One point in time for several waits in a row. */
export class Deadline {
  private readonly at: number;

  /** No `timeoutMs`, 0 or Infinity: never. */
  constructor(
    timeoutMs = 0,
    private readonly clock: Clock = systemClock,
  ) {
    this.at = timeoutMs > 0 ? clock.monoMs() + timeoutMs : Infinity;
  }

  /** Milliseconds left: Infinity without a limit, 0 when it has passed. */
  leftMs(): number {
    return Math.max(0, this.at - this.clock.monoMs());
  }

  /** Waits for `work` until the deadline or the signal. Errors as withDeadline. */
  wait<T>(work: PromiseLike<T>, signal?: AbortSignal, onGivenUp?: (error: Error) => void): Promise<T> {
    const timeoutMs = this.leftMs();
    // 0 would be no limit.
    const options = { signal, timeoutMs: timeoutMs === 0 ? Number.MIN_VALUE : timeoutMs, clock: this.clock };
    return withDeadline(work, options, onGivenUp);
  }
}

/** Takes one that waits out of those that do. Whether it was among them. */
export function remove<T>(waiting: T[], one: T): boolean {
  const at = waiting.indexOf(one);
  if (at >= 0) waiting.splice(at, 1);
  return at >= 0;
}
