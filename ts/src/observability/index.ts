// What the layers above use of observability.
export type * from "./events.js";
export { NoopObserver, nowSeconds, tell } from "./noop.js";
