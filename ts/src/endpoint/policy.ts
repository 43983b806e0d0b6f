// Which WebSocket addresses a program is willing to dial.
// Layer endpoint. Pure: no DNS, no network. Source: PROTOCOL, "Transport policy".
//
// Without TLS everyone on the way reads the attach token before the end-to-end encryption starts. That is why plaintext
// is an explicit choice, in three sizes.

import type { FlowersecPath } from "../base/index.js";
import { canonicalIpv6 } from "./authority.js";
import { ipv4Octets } from "./plaintext.js";

/** What a policy decides on. */
export interface TransportPolicyInput {
  readonly path: FlowersecPath;
  readonly scheme: "ws" | "wss";
  /** Lower case, without port and brackets. */
  readonly host: string;
  readonly runtime: "browser" | "node" | "other";
}

/** True allows; anything else, and an exception, denies. It has the time and the signal of connecting, or of the handshake. */
export type TransportPolicyFunction = (input: TransportPolicyInput) => boolean | Promise<boolean>;

/** Only wss. The default. */
export const RequireTLS = "require_tls";
/** wss, and ws to localhost, ::1 and 127.0.0.0/8, judged on the text. */
export const AllowPlaintextForLoopback = "allow_plaintext_for_loopback";

/** One of the presets, or a function. Source: PROTOCOL, "Transport policy". */
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
