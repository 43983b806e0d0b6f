// Whom we know: keys with names, and the agreement with each of them, computed once.
// Layer identity. Source: IDENTITY, "Contacts".

import { hasHiddenCharacters, trimmed, utf8, wipe } from "../base/index.js";
import { IdentityError } from "./error.js";
import type { Identity } from "./identity.js";
import { PublicKey } from "./public_key.js";

/** Contacts of one identity: what a file can make us compute and hold, about 400 bytes and one key agreement each. */
export const maxContacts = 2000;
/** Bytes of UTF-8 in a name. */
export const maxNameBytes = 128;

/** Whether a contact may call and write; a blocked one cannot tell that it is. */
export type ContactPolicy = "allow" | "block";

/** Somebody known. Read-only: Contacts changes it. */
export interface Contact {
  readonly publicKey: PublicKey;
  readonly name: string;
  /** Of the own private key and this one, 32 bytes. Not to be changed. */
  readonly dh: Uint8Array;
  readonly policy: ContactPolicy;
  /** The user compared fingerprints, or the key came in an invitation. */
  readonly verified: boolean;
}

/** What is known of a name and a key that came together; `key_changed` calls for a warning, and for comparing fingerprints again. */
export type Acquaintance = "unknown" | "known" | "renamed" | "key_changed";

/**
 * Whether a text can be a name: 1 to maxNameBytes bytes of UTF-8, no white space around, no control characters, and none
 * that are invisible or change the direction of others, so that no two names look the same by such means.
 */
export function isValidName(name: unknown): name is string {
  return typeof name === "string" && name !== "" && trimmed(name) === name && !hasHiddenCharacters(name) && utf8(name).length <= maxNameBytes;
}

type Stored = { -readonly [member in keyof Contact]: Contact[member] };

/** Each key once and each name once. */
export class Contacts {
  readonly #byKey = new Map<string, Stored>();
  readonly #byName = new Map<string, Stored>();

  constructor(readonly owner: Identity) {}

  /** Throws IdentityError own_key, bad_name, key_known, key_changed, too_many; those of Identity.agree(). */
  async add(publicKey: PublicKey, name: string, options: { policy?: ContactPolicy; verified?: boolean } = {}): Promise<Contact> {
    this.#checkNew(publicKey, name);
    const dh = await this.owner.agree(publicKey);
    try {
      // Checked again: another may have been added meanwhile.
      return this.admit({ publicKey, name, dh, policy: options.policy ?? "allow", verified: options.verified ?? false });
    } finally {
      wipe(dh);
    }
  }

  /** The same with an agreement that was made before, of which it takes a copy. Throws as add(). */
  admit({ publicKey, name, dh, policy, verified }: Contact): Contact {
    this.#checkNew(publicKey, name);
    const added: Stored = { publicKey, name, dh: Uint8Array.from(dh), policy, verified };
    this.#byKey.set(publicKey.text, added);
    this.#byName.set(name, added);
    return added;
  }

  /**
   * Gives the contact of a name a new key, which nobody has verified yet. The old key is forgotten, the policy stays.
   * Throws IdentityError unknown_contact, own_key, key_known; those of Identity.agree().
   */
  async replaceKey(name: string, publicKey: PublicKey): Promise<Contact> {
    const check = () => {
      const found = this.#byName.get(name);
      if (found === undefined) throw new IdentityError("unknown_contact");
      this.#checkKey(publicKey);
      return found;
    };
    check();
    const dh = await this.owner.agree(publicKey);
    const changed = check();
    this.#byKey.delete(changed.publicKey.text);
    wipe(changed.dh);
    Object.assign(changed, { publicKey, dh, verified: false });
    this.#byKey.set(publicKey.text, changed);
    return changed;
  }

  /** Throws IdentityError unknown_contact, bad_name, key_changed when another contact has the name. */
  rename(publicKey: PublicKey, name: string): void {
    const changed = this.#edit(publicKey);
    if (!isValidName(name)) throw new IdentityError("bad_name");
    if (this.check(publicKey, name) === "key_changed") throw new IdentityError("key_changed");
    this.#byName.delete(changed.name);
    changed.name = name;
    this.#byName.set(name, changed);
  }

  /** Throws IdentityError unknown_contact, as the next ones do. */
  setPolicy(publicKey: PublicKey, policy: ContactPolicy): void {
    this.#edit(publicKey).policy = policy;
  }

  /** setPolicy() with `block`. */
  block(publicKey: PublicKey): void {
    this.setPolicy(publicKey, "block");
  }

  /** Sets or takes away the mark that the user compared fingerprints. */
  setVerified(publicKey: PublicKey, verified: boolean): void {
    this.#edit(publicKey).verified = verified;
  }

  /** Forgets a contact, and its secret. */
  remove(publicKey: PublicKey): void {
    const gone = this.#edit(publicKey);
    this.#byKey.delete(publicKey.text);
    this.#byName.delete(gone.name);
    wipe(gone.dh);
  }

  /** The contact of a key. */
  get(publicKey: PublicKey): Contact | undefined {
    return this.#byKey.get(publicKey.text);
  }

  /** The contact of a name. */
  find(name: string): Contact | undefined {
    return this.#byName.get(name);
  }

  /** What is known of a key and a name that came together. */
  check(publicKey: PublicKey, name: string): Acquaintance {
    const named = this.#byName.get(name);
    if (named !== undefined) return named.publicKey.equals(publicKey) ? "known" : "key_changed";
    return this.#byKey.has(publicKey.text) ? "renamed" : "unknown";
  }

  /** By key, in the order in which they were added; one whose key was replaced comes last. */
  list(): Contact[] {
    return [...this.#byKey.values()];
  }

  /** How many there are, at most maxContacts. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Forgets all of them, and their secrets. */
  wipe(): void {
    for (const { dh } of this.#byKey.values()) wipe(dh);
    this.#byKey.clear();
    this.#byName.clear();
  }

  #checkNew(publicKey: PublicKey, name: string): void {
    if (!isValidName(name)) throw new IdentityError("bad_name");
    if (this.check(publicKey, name) === "key_changed") throw new IdentityError("key_changed");
    if (this.size >= maxContacts) throw new IdentityError("too_many");
    this.#checkKey(publicKey);
  }

  #checkKey(publicKey: PublicKey): void {
    if (publicKey.equals(this.owner.publicKey)) throw new IdentityError("own_key");
    if (this.#byKey.has(publicKey.text)) throw new IdentityError("key_known");
  }

  #edit(publicKey: PublicKey): Stored {
    const found = this.#byKey.get(publicKey.text);
    if (found === undefined) throw new IdentityError("unknown_contact");
    return found;
  }
}
