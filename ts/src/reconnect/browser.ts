// Reconnecting from a page.
// Layer reconnect.

import { connectBrowser, type BrowserConnectOptions } from "../endpoint/browser.js";
import { reconnectConfig, type ConnectConfig, type ReconnectConfigInput } from "./config.js";

/** ReconnectConfigInput for a page: options as those of connectBrowser. */
export type BrowserReconnectConfigInput = ReconnectConfigInput<BrowserConnectOptions>;

/**
 * For createReconnectManager().connect: each attempt acquires an artifact and connects with it as connectBrowser does. Throws
 * validate/invalid_option for bad reconnect settings, and for a source that yields once together with reconnecting.
 */
export function createBrowserReconnectConfig(input: BrowserReconnectConfigInput): ConnectConfig {
  return reconnectConfig(input, connectBrowser);
}
