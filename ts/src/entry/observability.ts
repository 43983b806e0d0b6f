// flowersec/observability: what a connection tells about itself.
export type * from "../observability/events.js";
export { NoopObserver, nowSeconds } from "../observability/noop.js";
export { emitObserverDiagnostic, normalizeObserver, withObserverContext } from "../observability/observer.js";
