// connectBrowser with a source of artifacts. Loaded when it is given one.
// Layer reconnect.

import type { BrowserConnectOptions } from "../endpoint/browser.js";
import { connectBrowser } from "./connect_browser.js";
import { stayConnected, type FromSource } from "./connect_source.js";
import type { ReconnectManager } from "./manager.js";
import type { ArtifactSource } from "./source.js";

/** Each attempt is a connectBrowser with its artifact. */
export function connectSource(source: ArtifactSource, options: FromSource<BrowserConnectOptions>): Promise<ReconnectManager> {
  return stayConnected<BrowserConnectOptions>(source, options, connectBrowser);
}
