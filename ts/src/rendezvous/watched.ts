// Whom we watch at one registry.
// Layer rendezvous. Presence is mutual, so whoever is blocked or removed is not watched any more, and sees nothing of us. Source: REGISTRY,
// "Frames".

import type { Contact, PublicKey } from "../identity/index.js";
import type { ClientFrame } from "./frames.js";
import { maxWatchedKeys } from "./limits.js";

export class Watched {
  readonly #keys = new Map<string, PublicKey>();

  has(key: PublicKey): boolean {
    return this.#keys.has(key.text);
  }

  /** What the registry is to be told: it watches the first 64 contacts that are not blocked. */
  update(contacts: readonly Contact[]): ClientFrame[] {
    const wanted = new Map(contacts.filter(({ policy }) => policy === "allow").slice(0, maxWatchedKeys).map(({ publicKey }) => [publicKey.text, publicKey]));
    const fewer = [...this.#keys.values()].filter(({ text }) => !wanted.has(text));
    const more = [...wanted.values()].filter(({ text }) => !this.#keys.has(text));
    for (const { text } of fewer) this.#keys.delete(text);
    for (const key of more) this.#keys.set(key.text, key);
    return [{ type: "unwatch", keys: fewer } as const, { type: "watch", keys: more } as const].filter(({ keys }) => keys.length > 0);
  }

  /** The registration is gone, and the registry has forgotten. */
  clear(): void {
    this.#keys.clear();
  }
}
