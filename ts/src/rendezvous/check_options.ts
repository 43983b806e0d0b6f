// The options of a client, looked at before anything is opened.
// Layer rendezvous. Source: SECURE_WEBSOCKET, "TypeScript".

import type { Identity } from "../identity/index.js";
import { checkSettings } from "../reconnect/settings.js";
import { RendezvousError } from "./error.js";
import type { RegistryAddress, SecureSocketOptions } from "./options.js";

/** Who it is and where it registers. Throws RendezvousError invalid_option, invalid_url. */
export function checkSocketOptions(options: SecureSocketOptions): { owner: Identity; all: readonly RegistryAddress[] } {
  const { url, registryKeys = [], registries = [], identity, contacts, calls = {}, reconnect = {}, registrationTimeoutMs = 1, channelIdleMs = 1 } = options;
  const owner = contacts?.owner ?? identity;
  if (owner === undefined || (identity !== undefined && identity !== owner)) throw new RendezvousError("invalid_option", "identity, or the contacts of one");
  const all = url === undefined ? registries : [{ url, registryKeys }, ...registries];
  if (all.length === 0) throw new RendezvousError("invalid_url", "a registry is needed");
  if (!(registrationTimeoutMs > 0) || !(channelIdleMs > 0)) throw new RendezvousError("invalid_option", "times must be above 0");
  for (const settings of [calls, reconnect]) {
    try {
      checkSettings({ enabled: true, ...settings }, "refreshable");
    } catch (cause) {
      throw new RendezvousError("invalid_option", "reconnect, calls", { cause });
    }
  }
  return { owner, all };
}
