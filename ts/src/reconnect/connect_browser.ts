// connectBrowser: with one artifact, or with a source of artifacts.
// Layer reconnect.

import { connectBrowser as connectArtifact, type BrowserConnectOptions } from "../endpoint/browser.js";
import type { ConnectArtifact } from "../endpoint/artifact.js";
import { loaded } from "../endpoint/options.js";
import type { Client } from "../session/index.js";
import type { FromSource } from "./connect_source.js";
import type { ReconnectManager } from "./manager.js";
import type { ArtifactSource } from "./source.js";

/** connect() from a page. Errors also auto/validate/missing_origin, where there is no page. */
export function connectBrowser(artifact: ConnectArtifact, options?: BrowserConnectOptions): Promise<Client>;
/**
 * Acquires an artifact, connects as above, and stays connected as `autoReconnect` says: resolves with the manager once it is
 * connected. Its code loads on demand. Errors: those of ReconnectManager.connect; connect/canceled when the signal fires before.
 */
export function connectBrowser(source: ArtifactSource, options?: FromSource<BrowserConnectOptions>): Promise<ReconnectManager>;
export async function connectBrowser(from: ConnectArtifact | ArtifactSource, options: FromSource<BrowserConnectOptions> = {}) {
  if (!Object(from).kind) return connectArtifact(from as ConnectArtifact, options);
  return (await loaded("auto", import("./browser_source.js"), options.signal)).connectSource(from as ArtifactSource, options);
}
