// Programs, with WebSockets of the `ws` package: see "imports" of package.json.
// Layer ownwire, Node only.

import { createNodeWsFactory } from "../../ws/node/factory.js";
import type { OwnwirePlatform } from "../platform.js";

export const ownwirePlatform: OwnwirePlatform = {
  place: () => ({ origin: undefined, isSecureContext: undefined }),
  webSocket: createNodeWsFactory(),
};
