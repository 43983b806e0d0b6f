// From the callbacks a caller gives to a whole observer.
// Layer observability. Source: PROTOCOL, "Diagnostic event".

import type { ClientObserver, ClientObserverLike, DiagnosticEventInput, ObserverContext } from "./events.js";
import { NoopObserver, tell } from "./noop.js";
import { inContext, rawCopy, wholeObserver } from "./normalized.js";

/**
 * A whole observer: missing callbacks do nothing, events are derived from callbacks, delivery is queued. One that is
 * normalised already comes back as it is, and one without callbacks is NoopObserver.
 */
export function normalizeObserver(observer?: ClientObserverLike, context: ObserverContext = {}): ClientObserver {
  if (observer === undefined || observer === NoopObserver) return NoopObserver;
  return wholeObserver(observer, context) ?? NoopObserver;
}

/** normalizeObserver, in one queue with an observer that is normalised: what happens in order is told in order. */
export function normalizeBeside(observer: ClientObserverLike, beside: ClientObserverLike | undefined): ClientObserver {
  return wholeObserver(observer, {}, beside) ?? NoopObserver;
}

/** A copy of an observer's callbacks as they were given, in its context: others can be put before them. NoopObserver and nobody have none. */
export function copyOfCallbacks(observer: ClientObserverLike | undefined): ClientObserverLike {
  return rawCopy(observer && observer !== NoopObserver ? observer : {});
}

/** The same observer whose events carry this context; of what was attached before, the later value wins. */
export function withObserverContext(observer: ClientObserverLike | undefined, context: ObserverContext): ClientObserverLike {
  return observer === undefined || observer === NoopObserver ? NoopObserver : inContext(observer, context);
}

/** Tells one event, its context filled in. */
export function emitObserverDiagnostic(observer: ClientObserverLike | undefined, event: DiagnosticEventInput): void {
  tell(normalizeObserver(observer), event);
}
