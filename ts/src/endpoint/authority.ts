// Whether an address may be dialled: its form here, plaintext and policies that decide themselves in plaintext.ts.
// Layer endpoint. Pure: no DNS, no network. Clients load it for whatever is not the usual case of dial.ts. Source: PROTOCOL,
// "Transport policy".

import type { FlowersecPath, withDeadline } from "../base/index.js";
import type { ClientObserver, tell } from "../observability/index.js";
import type { failure, isAbort, isTimeout } from "../session/index.js";
import type { CommonOptions } from "./options.js";
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

/** What a client has already. */
interface Tools {
  readonly failure: typeof failure;
  readonly isAbort: typeof isAbort;
  readonly isTimeout: typeof isTimeout;
  readonly tell: typeof tell;
  readonly withDeadline: typeof withDeadline;
}

/** Asks the policy. Errors: validate/transport_policy_denied; timeout and canceled of `stage`. */
export async function askPolicy(
  path: FlowersecPath,
  url: string,
  { transportSecurityPolicy, signal, clock }: CommonOptions,
  stage: "connect" | "handshake",
  timeoutMs: number,
  observer: ClientObserver | undefined,
  { failure, isAbort, isTimeout, tell, withDeadline }: Tools,
): Promise<void> {
  const judging = judgeTransport(transportSecurityPolicy, path, url);
  const { allowed, plaintext } = await withDeadline(judging, { signal, timeoutMs, clock }).catch((error: unknown) => {
    if (!isAbort(error) && !isTimeout(error)) throw failure(path, "validate", "transport_policy_denied", error);
    const code = isAbort(error) ? "canceled" : "timeout";
    observer?.onConnect(path, "fail", code, 0);
    throw failure(path, stage, code, error);
  });
  if (!allowed) throw failure(path, "validate", "transport_policy_denied");
  if (plaintext) tell(observer, { stage: "transport", code: "plaintext_transport", result: "skip" });
}
