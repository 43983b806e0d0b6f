// What people type to name a peer: its key, perhaps behind the site where it is reached.
// Layer identity. Looks nothing up. Source: IDENTITY, "Addresses".

import { utf8 } from "../base/index.js";
import { IdentityError } from "./error.js";
import { PublicKey } from "./public_key.js";

export const maxHostCharacters = 253;
export const maxRegistryUrlBytes = 512;

/** `[site "/"] key`, where site is `[("http" | "https" | "ws" | "wss") "://"] host [":" port]`. */
export interface Address {
  /** Lower-case; undefined for a key alone. */
  readonly site?: string | undefined;
  readonly key: PublicKey;
}

const lowerAscii = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function isPort(text: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535;
}

function isName(host: string): boolean {
  return host.length <= maxHostCharacters && !host.includes("..") && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host);
}

/** Whether it looks like an IPv6 address; whether it is one shows when it is dialled. */
function isIpv6(host: string): boolean {
  return /^[0-9a-f:.]{2,45}$/.test(host) && host.includes(":");
}

function isSite(lower: string): boolean {
  const authority = lower.replace(/^(https?|wss?):\/\//, "");
  const [, bracketed, name, , port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(:(.*))?$/s.exec(authority) ?? [];
  if (bracketed === undefined && name === undefined) return false;
  if (port !== undefined && !isPort(port)) return false;
  return bracketed !== undefined ? isIpv6(bracketed) : isName(name as string);
}

/** Nothing is trimmed; no user, path, query or fragment. Throws IdentityError bad_address, and those of PublicKey.parse(). */
export function parseAddress(text: string): Address {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return { key: PublicKey.parse(text) };
  const site = lowerAscii(text.slice(0, slash));
  if (!isSite(site)) throw new IdentityError("bad_address");
  return { site, key: PublicKey.parse(text.slice(slash + 1)) };
}

/** The text that parseAddress() takes. */
export function formatAddress({ site, key }: Address): string {
  return site === undefined ? key.text : `${site}/${key.text}`;
}

/**
 * scheme "://" host [":" port] [path] with ws or wss, at most maxRegistryUrlBytes; scheme and host are made lower-case. A
 * path has letters, digits and "-._~/" only. Undefined for anything else.
 */
export function parseRegistryUrl(text: string): string | undefined {
  if (utf8(text).length > maxRegistryUrlBytes) return undefined;
  const [, written, path] = /^([^/]*:\/\/[^/]*)((?:\/[A-Za-z0-9._~/-]*)?)$/.exec(text) ?? [];
  if (written === undefined || path === undefined) return undefined;
  const origin = lowerAscii(written);
  return /^wss?:/.test(origin) && isSite(origin) ? origin + path : undefined;
}
