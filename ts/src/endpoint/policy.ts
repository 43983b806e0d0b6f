// Which WebSocket addresses a program is willing to dial.
// Layer endpoint. Pure: no DNS, no network. Source: PROTOCOL, "Transport policy".
//
// Without TLS everyone on the way reads the attach token before the end-to-end encryption starts. That is why plaintext
// is an explicit choice, in three sizes.

import type { FlowersecPath } from "../base/index.js";

/** What a policy decides on. */
export interface TransportPolicyInput {
  readonly path: FlowersecPath;
  readonly scheme: "ws" | "wss";
  /** Lower case, without port and brackets. */
  readonly host: string;
  readonly runtime: "browser" | "node" | "other";
}

/** True allows; anything else, and an exception, denies. */
export type TransportPolicyFunction = (input: TransportPolicyInput) => boolean | Promise<boolean>;

/** Only wss. The default. */
export const RequireTLS = "require_tls";
/** wss, and ws to localhost, ::1 and 127.0.0.0/8, judged on the text. */
export const AllowPlaintextForLoopback = "allow_plaintext_for_loopback";

export type TransportSecurityPolicy = typeof RequireTLS | typeof AllowPlaintextForLoopback | TransportPolicyFunction;

/** What createNetworkPlaintextPolicy wants to be told: attach tokens and channel ids will be readable on the network. */
export const PlaintextRiskAcceptance = "accept_pre_e2ee_credential_exposure";

/**
 * wss, and ws to the listed hosts. Each host is an IP literal in its canonical text, lower case, without port and
 * brackets; not loopback, link-local, multicast, reserved, unspecified, IPv4-mapped or zoned. Throws RangeError otherwise,
 * and without a host or without the acceptance.
 */
export function createNetworkPlaintextPolicy(options: {
  allowedHosts: readonly string[];
  riskAcceptance: typeof PlaintextRiskAcceptance;
}): TransportPolicyFunction {
  if (options.riskAcceptance !== PlaintextRiskAcceptance) throw new RangeError("the risk is not accepted");
  const hosts = new Set(options.allowedHosts);
  if (hosts.size === 0) throw new RangeError("no host");
  for (const host of hosts) if (!isUnicastLiteral(host)) throw new RangeError(`not an address to be listed: ${host}`);
  return ({ scheme, host }) => scheme === "wss" || hosts.has(host);
}

function isUnicastLiteral(host: string): boolean {
  const octets = ipv4Octets(host);
  if (octets !== undefined) {
    const [a = 0, b = 0] = octets;
    return !(a === 127 || a >= 224 || (a === 169 && b === 254) || host === "0.0.0.0");
  }
  if (!/^[0-9a-f:]+$/.test(host) || canonicalIpv6(host) !== host) return false;
  const first = host.startsWith("::") ? 0 : Number.parseInt(host, 16);
  const mapped = /^::ffff:[0-9a-f]+:[0-9a-f]+$/.test(host);
  return host !== "::" && host !== "::1" && !mapped && first >> 8 !== 0xff && first >> 6 !== 0xfe80 >> 6;
}

/** Four decimal octets without leading zeros, or undefined. */
function ipv4Octets(host: string): number[] | undefined {
  const parts = host.split(".");
  const good = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return good ? parts.map(Number) : undefined;
}

function canonicalIpv6(host: string): string | undefined {
  try {
    return new URL(`http://[${host}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
}

/** Whether a host, as written, is this machine: localhost, ::1, or canonical 127.0.0.0/8. Lower case, no brackets. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || ipv4Octets(host)?.[0] === 127;
}

/** Scheme and host of a URL as written; undefined for another scheme, user info, no host, a bad port. No DNS. */
export function splitAuthority(url: string): { scheme: string; host: string; rest: string } | undefined {
  const found = /^([a-z][a-z0-9+.-]*):\/\/(?:\[([0-9a-f:.]+)\]|([^\s/?#:@[\]\\]+))(?::(\d{1,5}))?(?=[/?#]|$)(.*)$/is.exec(url);
  if (found === null) return undefined;
  const [, scheme = "", bracketed, plain, port, rest = ""] = found;
  if (port !== undefined && Number(port) > 65535) return undefined;
  if (bracketed !== undefined && canonicalIpv6(bracketed) === undefined) return undefined;
  return { scheme: scheme.toLowerCase(), host: (bracketed ?? plain ?? "").toLowerCase(), rest };
}

/** Where this code runs. */
function runtime(): TransportPolicyInput["runtime"] {
  const { window, process } = globalThis as { window?: unknown; process?: { versions?: { node?: unknown } } };
  if (window !== undefined) return "browser";
  return process?.versions?.node === undefined ? "other" : "node";
}

/** Whether the policy lets `url` pass, and whether that is plaintext. */
export async function judgeTransport(
  policy: TransportSecurityPolicy | undefined,
  path: FlowersecPath,
  url: string,
): Promise<{ allowed: boolean; plaintext: boolean }> {
  const parts = splitAuthority(url);
  if (parts === undefined || (parts.scheme !== "ws" && parts.scheme !== "wss")) return { allowed: false, plaintext: false };
  const { host } = parts;
  const plaintext = parts.scheme === "ws";
  if (typeof policy !== "function") return { allowed: !plaintext || (policy === AllowPlaintextForLoopback && isLoopbackHost(host)), plaintext };
  try {
    return { allowed: (await policy({ path, scheme: parts.scheme, host, runtime: runtime() })) === true, plaintext };
  } catch {
    return { allowed: false, plaintext };
  }
}
