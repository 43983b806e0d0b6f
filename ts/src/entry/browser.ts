// flowersec/browser: connecting from a page.
export {
  requestConnectArtifact, requestEntryConnectArtifact, type RequestConnectArtifactInput, type RequestEntryConnectArtifactInput,
} from "../controlplane/artifact_request.js";
export {
  connectDirectBrowser, connectSealedBrowser, connectTunnelBrowser, type BrowserConnectOptions, type DirectBrowserConnectOptions,
  type InPage, type TunnelBrowserConnectOptions,
} from "../endpoint/browser.js";
export type { SealedConnectInfo } from "../endpoint/connect_sealed.js";
export {
  AllowPlaintextForLoopback, assertConnectArtifact, createNetworkPlaintextPolicy, PlaintextRiskAcceptance, RequireTLS,
} from "../endpoint/index.js";
export { connectBrowser } from "../reconnect/connect_browser.js";
export {
  createBrowserReconnectConfig, createBrowserReconnectConfig as createDirectBrowserReconnectConfig, createBrowserReconnectConfig as createTunnelBrowserReconnectConfig,
  type BrowserReconnectConfigInput,
} from "../reconnect/browser.js";
export type * from "./shared_types.js";
