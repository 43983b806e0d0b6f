// What connecting needs of the place it runs in.
// Layer ws. The rest of it is in browser/ and node/, chosen by "imports" of package.json as #ws-platform.

import type { WebSocketFactory } from "./socket.js";

/** Where code runs. */
export interface Place {
  /** Of the page; "null" where it has none; undefined where there is no page. */
  readonly origin: string | undefined;
  readonly isSecureContext: boolean | undefined;
}

/** One of them. */
export interface WsPlatform {
  /** Read when it is asked for. */
  place(): Place;
  readonly webSocket: WebSocketFactory;
}
