// The observer that tells nobody, and how layers tell an event to one that does.
// Layer observability. The other half, observer.ts, is loaded when somebody observes.

import type { ClientObserver, DiagnosticEventInput } from "./events.js";

const nothing = () => {};

/** Tells nobody. */
export const NoopObserver: ClientObserver = Object.freeze({
  onConnect: nothing,
  onAttach: nothing,
  onHandshake: nothing,
  onWsClose: nothing,
  onWsError: nothing,
  onRpcCall: nothing,
  onRpcNotify: nothing,
  onDiagnosticEvent: nothing,
});

/** What a normalised observer has besides: it fills in the context of an event. */
export interface TellingObserver extends ClientObserver {
  tell(event: DiagnosticEventInput): void;
}

/** Tells an event to an observer that was normalised; NoopObserver and nobody hear nothing. */
export function tell(observer: ClientObserver | undefined, event: DiagnosticEventInput): void {
  (observer as Partial<TellingObserver> | undefined)?.tell?.(event);
}

/** Seconds on a monotonic clock. */
export function nowSeconds(): number {
  return performance.now() / 1000;
}
