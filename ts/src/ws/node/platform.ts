// Programs, with WebSockets of the `ws` package: see "imports" of package.json.
// Layer ws, Node only.

import { createNodeWsFactory } from "./factory.js";
import type { WsPlatform } from "../platform.js";

export const wsPlatform: WsPlatform = {
  place: () => ({ origin: undefined, isSecureContext: undefined }),
  webSocket: createNodeWsFactory(),
};
