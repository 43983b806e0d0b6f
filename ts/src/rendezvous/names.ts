// Keys as applications give them.
// Layer rendezvous.

import { parseAddress, PublicKey } from "../identity/index.js";
import { RendezvousError } from "./error.js";
import type { ContactName } from "./options.js";

/** Throws IdentityError for a text that is no address. */
export function keyOf(contact: ContactName): PublicKey {
  if (typeof contact === "string") return parseAddress(contact).key;
  return contact instanceof PublicKey ? contact : contact.publicKey;
}

/** Throws RendezvousError missing_key. */
export function keysOf(given: readonly (string | PublicKey)[]): PublicKey[] {
  if (!Array.isArray(given) || given.length === 0) throw new RendezvousError("missing_key", "registryKeys is needed");
  try {
    return given.map((key: string | PublicKey) => (typeof key === "string" ? PublicKey.parse(key) : key));
  } catch (cause) {
    throw new RendezvousError("missing_key", "a key is 43 characters of base64url", { cause });
  }
}
