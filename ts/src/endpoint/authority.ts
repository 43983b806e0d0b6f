// Whether an address may be dialled: its form here, plaintext and policies that decide themselves in plaintext.ts.
// Layer endpoint. Pure: no DNS, no network. Clients load it for whatever is not the usual case of dial.ts. Source: PROTOCOL,
// "Transport policy".

import type { FlowersecPath } from "../base/index.js";
import { isAllowed } from "./plaintext.js";
import type { TransportSecurityPolicy } from "./policy.js";

/** Scheme and host of a URL as written; undefined for another scheme, user info, no host, a bad port. No DNS. */
export function splitAuthority(url: string): { scheme: string; host: string; rest: string } | undefined {
  const found = /^([a-z][a-z0-9+.-]*):\/\/(?:\[([0-9a-f:.]+)\]|([^\s/?#:@[\]\\]+))(?::(\d{1,5}))?(?=[/?#]|$)(.*)$/is.exec(url);
  if (found === null) return undefined;
  const [, scheme = "", bracketed, plain, port, rest = ""] = found;
  if (port !== undefined && Number(port) > 65535) return undefined;
  if (bracketed !== undefined && canonicalIpv6(bracketed) === undefined) return undefined;
  return { scheme: scheme.toLowerCase(), host: (bracketed ?? plain ?? "").toLowerCase(), rest };
}

/** As browsers write it, or undefined. */
export function canonicalIpv6(host: string): string | undefined {
  try {
    return new URL(`http://[${host}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
}

/** Whether the policy lets `url` pass, and whether that is plaintext. */
export async function judgeTransport(
  policy: TransportSecurityPolicy | undefined,
  path: FlowersecPath,
  url: string,
): Promise<{ allowed: boolean; plaintext: boolean }> {
  const { scheme, host } = splitAuthority(url) ?? {};
  if (host === undefined || (scheme !== "ws" && scheme !== "wss")) return { allowed: false, plaintext: false };
  return { allowed: await isAllowed(policy ?? "require_tls", { path, scheme, host }), plaintext: scheme === "ws" };
}
