// Connecting from a page: its origin is the browser's to say, and its WebSocket is the browser's own.
// Layer endpoint.

import type { FlowersecPath } from "../base/index.js";
import type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { DirectConnectInfo } from "../gen/flowersec/direct/v1.gen.js";
import { failure, type Client } from "../session/index.js";
import { pageOrigin } from "../ws/browser/factory.js";
import type { ConnectArtifact } from "./artifact.js";
import { connect, connectDirect, connectTunnel } from "./connect.js";
import { connectSealed, type SealedConnectInfo } from "./connect_sealed.js";
import type { ConnectOptions, DirectConnectOptions, TunnelConnectOptions } from "./options.js";

/** Options without what a page has of itself: its origin, and its WebSocket. */
export type InPage<Options> = Omit<Options, "origin" | "wsFactory">;

/** ConnectOptions without what the page says: its origin and its WebSocket. */
export type BrowserConnectOptions = InPage<ConnectOptions>;
/** TunnelConnectOptions, likewise. */
export type TunnelBrowserConnectOptions = InPage<TunnelConnectOptions>;
/** DirectConnectOptions, likewise. */
export type DirectBrowserConnectOptions = InPage<DirectConnectOptions>;

function inPage<Options>(path: FlowersecPath, options: Options): Options & { origin: string; wsFactory: undefined } {
  const origin = pageOrigin();
  if (origin === undefined || origin === "" || origin === "null") throw failure(path, "validate", "missing_origin");
  return { ...options, origin, wsFactory: undefined };
}

/** connect() from a page. Errors also auto/validate/missing_origin, where there is no page. */
export async function connectBrowser(artifact: ConnectArtifact, options: BrowserConnectOptions = {}): Promise<Client> {
  return connect(artifact, inPage("auto", options));
}

/** connectTunnel() from a page. Errors also tunnel/validate/missing_origin. */
export async function connectTunnelBrowser(grant: ChannelInitGrant, options: TunnelBrowserConnectOptions = {}): Promise<Client> {
  return connectTunnel(grant, inPage("tunnel", options));
}

/** connectDirect() from a page. Errors also direct/validate/missing_origin. */
export async function connectDirectBrowser(info: DirectConnectInfo, options: DirectBrowserConnectOptions = {}): Promise<Client> {
  return connectDirect(info, inPage("direct", options));
}

/** connectSealed() from a page. Errors also direct/validate/missing_origin. */
export async function connectSealedBrowser(info: SealedConnectInfo, options: DirectBrowserConnectOptions = {}): Promise<Client> {
  return connectSealed(info, inPage("direct", options));
}
