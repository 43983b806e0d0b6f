// Reconnecting in Node.
// Layer reconnect, Node only.

import { connectNode } from "../endpoint/node.js";
import type { ConnectOptions } from "../endpoint/options.js";
import { reconnectConfig, type ConnectConfig, type ReconnectConfigInput } from "./config.js";

/** ReconnectConfigInput for Node: options as those of connectNode. */
export type NodeReconnectConfigInput = ReconnectConfigInput<ConnectOptions>;

/**
 * For createReconnectManager().connect: each attempt acquires an artifact and connects with it as connectNode does. Throws
 * validate/invalid_option for bad reconnect settings, and for a source that yields once together with reconnecting.
 */
export function createNodeReconnectConfig(input: NodeReconnectConfigInput): ConnectConfig {
  return reconnectConfig(input, connectNode);
}
