// Invitations: a link that carries a registry, a host and a one-time secret in its fragment, which no server is sent.
// Layer identity. Told the time. Source: IDENTITY, "Invitations".

import { decodeBase64url, encodeBase64url, fromUtf8, randomBytes, systemRandom, utf8, wipe, type RandomSource } from "../base/index.js";
import { defaultCrypto } from "../crypto/index.js";
import { parseRegistryUrl } from "./address.js";
import { invitationSecretBytes } from "./call_psk.js";
import { IdentityError } from "./error.js";
import { PublicKey } from "./public_key.js";

/** Largest link: what a page or a terminal can make us decode. */
export const maxLinkBytes = 2048;
/** Invitations that a host keeps open at once. */
export const maxOpenInvitations = 64;
/** Seconds until an invitation lapses that nobody used. */
export const invitationLifetimeS = 24 * 3600;
export const invitationIdBytes = 8;

const name = "#fsi1=";

/** What the link of an invitation says. */
export interface Invitation {
  /** As parseRegistryUrl() gives it. */
  readonly registryUrl: string;
  readonly registryKey: PublicKey;
  readonly hostKey: PublicKey;
  /** 16 bytes. */
  readonly secret: Uint8Array;
}

/** Throws IdentityError bad_invitation for a URL that is none, and for one key in both places. */
export function makeInvitation(registryUrl: string, registryKey: PublicKey, hostKey: PublicKey, random: RandomSource = systemRandom): Invitation {
  const url = parseRegistryUrl(registryUrl);
  if (url === undefined || registryKey.equals(hostKey)) throw new IdentityError("bad_invitation");
  return { registryUrl: url, registryKey, hostKey, secret: randomBytes(invitationSecretBytes, random) };
}

/**
 * A fragment, or a link with one: everything before the first "#" is ignored. "#fsi1=" base64url(JSON {registry_url, registry_key,
 * host_key, secret}); unknown members are ignored. Throws IdentityError bad_invitation.
 */
export function parseInvitation(link: string): Invitation {
  try {
    if (utf8(link).length > maxLinkBytes) throw new IdentityError("bad_invitation");
    const fragment = link.slice(Math.max(link.indexOf("#"), 0));
    const json = fragment.startsWith(name) ? decodeBase64url(fragment.slice(name.length)) : undefined;
    const text: unknown = JSON.parse(fromUtf8(json as Uint8Array));
    if (text === null || typeof text !== "object" || Array.isArray(text)) throw new IdentityError("bad_invitation");
    const { registry_url, registry_key, host_key, secret } = text as Record<string, string>;
    const registryUrl = parseRegistryUrl(registry_url as string);
    const registryKey = PublicKey.parse(registry_key as string);
    const hostKey = PublicKey.parse(host_key as string);
    const bytes = decodeBase64url(secret as string, invitationSecretBytes);
    if (registryUrl === undefined || bytes === undefined || registryKey.equals(hostKey)) throw new IdentityError("bad_invitation");
    return { registryUrl, registryKey, hostKey, secret: bytes };
  } catch {
    throw new IdentityError("bad_invitation"); // what JSON.parse says quotes the text
  }
}

/** With the "#" at its front, to be put behind the URL of a page. Holds the secret. */
export function invitationFragment({ registryUrl, registryKey, hostKey, secret }: Invitation): string {
  const members = { registry_url: registryUrl, registry_key: registryKey.text, host_key: hostKey.text, secret: encodeBase64url(secret) };
  return name + encodeBase64url(utf8(JSON.stringify(members)));
}

/** What the guest's first call carries: "inv:" base64url(first 8 bytes of SHA-256(secret)). Not a secret. */
export async function invitationNote(secret: Uint8Array): Promise<string> {
  const digest = await (await defaultCrypto()).sha256(secret);
  return `inv:${encodeBase64url(digest.subarray(0, invitationIdBytes))}`;
}

/** One that was given away. */
export interface OpenInvitation {
  /** 16 bytes. */
  readonly secret: Uint8Array;
  readonly given: number;
  readonly guestName: string | undefined;
}

function hasLapsed(given: number, now: number): boolean {
  return Math.abs(now - given) >= invitationLifetimeS;
}

/**
 * What the host remembers of the links it gave away, until each is used once or lapses: invitationLifetimeS after it was given, and
 * as long before, for a clock that was set back.
 */
export class OpenInvitations {
  readonly #open = new Map<string, OpenInvitation>();

  /** `now` is Unix time in seconds, here and below. The name is for who comes with it. Throws IdentityError too_many, when maxOpenInvitations have not lapsed. */
  async add({ secret }: Invitation, now: number, guestName?: string): Promise<void> {
    const note = await invitationNote(secret);
    for (const [each, { given }] of this.#open) {
      if (hasLapsed(given, now)) this.consume(each);
    }
    if (this.#open.size >= maxOpenInvitations) throw new IdentityError("too_many");
    this.#open.set(note, { secret: Uint8Array.from(secret), given: now, guestName });
  }

  /** The secret for a call that carries this note; undefined for a note that is none, is unknown, was consumed, or lapsed. */
  find(note: string, now: number): Uint8Array | undefined {
    const found = this.#open.get(note);
    return found !== undefined && !hasLapsed(found.given, now) ? found.secret : undefined;
  }

  /** The name for who comes with this note, as far as one was given. */
  nameOf(note: string): string | undefined {
    return this.#open.get(note)?.guestName;
  }

  /** After the handshake. False when it was not open. */
  consume(note: string): boolean {
    wipe(this.#open.get(note)?.secret);
    return this.#open.delete(note);
  }

  /** How many are open; those that lapsed count until the next add(). */
  get size(): number {
    return this.#open.size;
  }

  /** What the identity file keeps; lapsed ones among them, until the next is added. Not to be changed. */
  list(): OpenInvitation[] {
    return [...this.#open.values()];
  }

  /** Puts back what list() gave. Throws IdentityError too_many; bad_invitation when it is there. */
  async restore(secret: Uint8Array, given: number, guestName?: string): Promise<void> {
    const note = await invitationNote(secret);
    if (this.#open.has(note)) throw new IdentityError("bad_invitation");
    if (this.#open.size >= maxOpenInvitations) throw new IdentityError("too_many");
    this.#open.set(note, { secret: Uint8Array.from(secret), given, guestName });
  }
}
