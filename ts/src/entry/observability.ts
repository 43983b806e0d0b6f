// flowersec/observability: what a connection tells about itself.
export type * from "../observability/events.js";
export { NoopObserver, emitObserverDiagnostic, normalizeObserver, nowSeconds, withObserverContext } from "../observability/observer.js";
