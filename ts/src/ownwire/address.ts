// Which gateways may be dialled, and from which pages.
// Layer ownwire. Pure: no DNS, no network.

import { isLoopbackHost } from "../endpoint/plaintext.js";
import type { Place } from "../ws/platform.js";
import { OwnwireError } from "./error.js";

/** A gateway's public WebSocket. */
export interface Address {
  /** `wss:`, or `ws:` to this machine. */
  readonly url: string;
  /** Of the gateway, as a page from there would have it. */
  readonly origin: string;
}

const schemes: Readonly<Record<string, "ws" | "wss">> = { "ws:": "ws", "http:": "ws", "wss:": "wss", "https:": "wss" };
const bare = (host: string) => host.replace(/^\[|\]$/g, "");

/** `https:` is taken as `wss:`. Throws OwnwireError invalid_url for anything else, and for plaintext to other machines. */
export function checkAddress(given: unknown): Address {
  let parsed: URL | undefined;
  try {
    parsed = new URL(String(given));
  } catch {
    // Said below.
  }
  const scheme = schemes[parsed?.protocol ?? ""];
  if (typeof given !== "string" || parsed === undefined || scheme === undefined) throw new OwnwireError("invalid_url", { message: "an absolute wss: URL is needed" });
  if (parsed.username !== "" || parsed.password !== "") throw new OwnwireError("invalid_url", { message: "no user info" });
  if (scheme === "ws" && !isLoopbackHost(bare(parsed.hostname))) throw new OwnwireError("invalid_url", { message: "plaintext only to this machine" });
  const { host, pathname, search } = parsed;
  return { url: `${scheme}://${host}${pathname}${search}`, origin: `${scheme === "ws" ? "http" : "https"}://${host}` };
}

/** Throws OwnwireError insecure_origin unless the page is from `https:` or from this machine; programs are no pages. */
export function checkPlace({ origin, isSecureContext }: Place): void {
  if (origin === undefined) return;
  const [, scheme, host] = /^(https?):\/\/(\[[0-9a-f:.]+\]|[^:/]+)(?::\d+)?$/i.exec(origin) ?? [];
  const isOther = scheme === undefined && origin !== "null" && isSecureContext === true; // an extension
  const isGood = scheme === "https" || (scheme === "http" && isLoopbackHost(bare(host ?? "").toLowerCase()));
  if (!isGood && !isOther) throw new OwnwireError("insecure_origin", { message: "https: or http://localhost is needed" });
}
