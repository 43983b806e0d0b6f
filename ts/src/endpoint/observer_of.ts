// The observer of one attempt to connect.
// Layer endpoint.

import { NoopObserver, type ClientObserver, type ObserverContext } from "../observability/index.js";
import { loaded, type ClientConnectOptions } from "./options.js";

/** The observer with what it needs to tell its events; loaded when there is one. */
export async function observerOf(options: ClientConnectOptions, context: ObserverContext): Promise<ClientObserver> {
  const { observer } = options;
  if (!observer || observer === NoopObserver) return NoopObserver;
  const { normalized } = await loaded(context.path ?? "auto", import("../observability/normalized.js"), options.signal);
  return normalized(observer, context) ?? NoopObserver;
}
