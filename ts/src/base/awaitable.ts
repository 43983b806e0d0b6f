// Values that are there at once, or later. What is there at once costs no turn of the event loop.
// Layer base.

/** A value, or the promise of one. */
export type Awaitable<T> = T | PromiseLike<T>;

/** Whether a value has to be awaited. */
export function isPromise<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === "function";
}

/** What `next` makes of a value: at once when the value is there. */
export function then<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** All of them, at once when all are there. */
export function all<T>(values: readonly Awaitable<T>[]): Awaitable<T[]> {
  return values.some(isPromise) ? Promise.all(values) : (values as T[]);
}
