// The WebSocket of the platform that has one: browsers, workers, Node 22.
// Layer ws. The origin is the page's, set by the browser; nobody else can.

import type { WebSocketLike } from "../socket.js";

/** Where the page comes from; undefined where there is no page. */
export function pageOrigin(): string | undefined {
  const { window } = globalThis as { window?: { location?: { origin?: unknown } } };
  const origin = window?.location?.origin;
  return typeof origin === "string" ? origin : undefined;
}

/** Opens the platform's own WebSocket. Throws where there is none, and what its constructor throws. */
export function createPlatformWebSocket(url: string): WebSocketLike {
  return new WebSocket(url);
}
