// What a chat needs of the place it runs in.
// Layer ownwire. The rest of it is in browser/ and node/, chosen by "imports" of package.json.

import type { WebSocketFactory } from "../ws/socket.js";
import type { Place } from "./address.js";

/** One of them. */
export interface OwnwirePlatform {
  /** Read when it is asked for. */
  place(): Place;
  readonly webSocket: WebSocketFactory;
}
