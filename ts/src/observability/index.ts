// What the layers above use of observability.
export type * from "./events.js";
export { NoopObserver, emitObserverDiagnostic, normalizeObserver, nowSeconds, withObserverContext } from "./observer.js";
