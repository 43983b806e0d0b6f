// Where a request for an artifact may go.
// Layer controlplane, for clients. Runs in browsers. No DNS, no network. Source: CONTROLPLANE, "Asking for an artifact".

import { splitAuthority } from "../endpoint/authority.js";
import { isLoopbackHost } from "../endpoint/plaintext.js";

/**
 * `base` and `path` as one text for fetch, or undefined when credentials may not go there. Absolute: https, on loopback http if that
 * is allowed, judged on the text: what a URL parser makes of 127.1 is not asked. In a page also relative to it, and only to its host.
 */
export function artifactUrl(base: string, path: string, allowLoopbackHTTP: boolean): string | undefined {
  const url = base + path;
  // URL parsers drop tabs and line breaks and read \ as /: with them a text leads to another host than the one it seems to name.
  if (/[\0-\x20\x7f\\#]/.test(url)) return undefined;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) return isOfThePage(url) ? url : undefined;
  const [whole, host] = [splitAuthority(url), splitAuthority(base || url)];
  // What the path begins with would else be the end of the host or of the port.
  if (whole === undefined || host === undefined || whole.rest !== host.rest + (base && path)) return undefined;
  return whole.scheme === "https" || (whole.scheme === "http" && allowLoopbackHTTP && isLoopbackHost(whole.host)) ? url : undefined;
}

/** Whether there is a page, and fetch would ask its own host for `relative`. Over plain http only what came that way asks that way. */
function isOfThePage(relative: string): boolean {
  const { location, document } = globalThis as { location?: { href?: string; origin?: string }; document?: { baseURI?: string } };
  if (location === undefined || relative.startsWith("//")) return false;
  try {
    const page = new URL(location.href ?? location.origin ?? "");
    return /^https?:$/.test(page.protocol) && new URL(relative, document?.baseURI ?? page).origin === page.origin;
  } catch {
    return false;
  }
}
