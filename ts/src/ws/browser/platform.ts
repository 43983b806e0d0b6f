// Pages and workers: see "imports" of package.json.
// Layer ws, browsers.

import { createPlatformWebSocket } from "./factory.js";
import type { WsPlatform } from "../platform.js";

export const wsPlatform: WsPlatform = {
  place() {
    // Not location.origin: that of a frame without an address of its own is "null", and it has its parent's.
    const { origin, isSecureContext } = globalThis as { origin?: unknown; isSecureContext?: unknown };
    return {
      origin: typeof origin === "string" ? origin : undefined,
      isSecureContext: typeof isSecureContext === "boolean" ? isSecureContext : undefined,
    };
  },
  webSocket: createPlatformWebSocket,
};
