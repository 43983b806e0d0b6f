// The transport as its users make it: with any observer.
// Layer ws.

import type { ClientObserverLike } from "../observability/index.js";
import { normalizeObserver } from "../observability/observer.js";
import type { WebSocketLike } from "./socket.js";
import { SocketTransport, type SocketTransportOptions } from "./transport.js";

/** How a WebSocketBinaryTransport is set up. All may be left out. */
export interface WebSocketTransportOptions extends Omit<SocketTransportOptions, "observer"> {
  observer?: ClientObserverLike | undefined;
}

/** See SocketTransport. */
export class WebSocketBinaryTransport extends SocketTransport {
  constructor(ws: WebSocketLike, options: WebSocketTransportOptions = {}) {
    super(ws, { ...options, observer: normalizeObserver(options.observer) });
  }
}
