// Policies: what they say of an address that is well-formed.
// Layer endpoint. Pure: no DNS, no network. Source: PROTOCOL, "Transport policy".

import type { TransportPolicyInput, TransportSecurityPolicy } from "./policy.js";

/** Four decimal octets without leading zeros, or undefined. */
export function ipv4Octets(host: string): number[] | undefined {
  const parts = host.split(".");
  const good = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return good ? parts.map(Number) : undefined;
}

/** Whether a host, as written, is this machine: localhost, ::1, or canonical 127.0.0.0/8. Lower case, no brackets. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || ipv4Octets(host)?.[0] === 127;
}

/** Where this code runs. */
function runtime(): TransportPolicyInput["runtime"] {
  const { window, process } = globalThis as { window?: unknown; process?: { versions?: { node?: unknown } } };
  if (window !== undefined) return "browser";
  return process?.versions?.node === undefined ? "other" : "node";
}

/** Whether a policy allows an address that is well-formed. */
export async function isAllowed(policy: TransportSecurityPolicy, to: Omit<TransportPolicyInput, "runtime">): Promise<boolean> {
  if (typeof policy !== "function") return to.scheme === "wss" || (policy === "allow_plaintext_for_loopback" && isLoopbackHost(to.host));
  try {
    return (await policy({ ...to, runtime: runtime() })) === true;
  } catch {
    return false;
  }
}
