// What each door of the package shows at run time: exactly this, as a user's import resolves it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../testing/repository.js";

const policies = ["AllowPlaintextForLoopback", "PlaintextRiskAcceptance", "RequireTLS", "createNetworkPlaintextPolicy"];
const endpoint = ["Session", "acceptDirect", "acceptDirectResolved", "connectTunnel"];

const identity = [
  "CallPsk", "Contacts", "EphemeralKey", "Identity", "IdentityError", "OpenInvitations", "PublicKey", "challengeBytes", "defaultPasswordCost",
  "exportIdentityText", "findWork", "formatAddress", "importIdentityText", "importStoredIdentity", "invitationFragment", "invitationLifetimeS", "invitationNote",
  "invitationSecretBytes", "isValidName", "isWork", "keyBytes", "makeInvitation", "maxContacts", "maxIdentityFileBytes", "maxLinkBytes", "maxNameBytes",
  "maxOpenInvitations", "maxWorkBits", "pairFingerprint", "parseAddress", "parseInvitation", "parseRegistryUrl", "proveRegistration",
  "verifyRegistration", "workNonceBytes",
];
const rendezvous = ["CompatibleSocketClient", "RendezvousError", "SecureSocketClient", "SecureWebSocket", "artifactOf", "ticketOf"];

const doors: Record<string, string[]> = {
  "flowersec": ["FlowersecError", "assertChannelInitGrant", "assertConnectArtifact", "assertDirectConnectInfo", "connect", "connectDirect", "connectTunnel", ...policies],
  "flowersec/node": [
    "acceptDirectNode", "acceptDirectResolvedNode", "acceptSealedNode", "connectSealedNode", "adaptNodeWebSocket", "assertConnectArtifact", "connectDirectNode", "connectNode",
    "connectTunnelEndpointNode", "connectTunnelNode", "createDirectNodeReconnectConfig", "createNodeArtifactEndpoint", "createNodeReconnectConfig", "createNodeWsFactory",
    "createTunnelNodeReconnectConfig", "serveEndpoint", ...endpoint, ...policies,
  ],
  "flowersec/browser": [
    "assertConnectArtifact", "connectBrowser", "connectDirectBrowser", "connectSealedBrowser", "connectTunnelBrowser", "createBrowserReconnectConfig",
    "createDirectBrowserReconnectConfig", "createTunnelBrowserReconnectConfig", "requestConnectArtifact", "requestEntryConnectArtifact", ...policies,
  ],
  "flowersec/endpoint": endpoint,
  "flowersec/controlplane": [
    "CHANNEL_INIT_WINDOW_SECONDS", "ChannelInitService", "ControlplaneCodecError", "ControlplaneRequestError", "DEFAULT_CONNECT_ARTIFACT_PATH",
    "DEFAULT_ENTRY_CONNECT_ARTIFACT_PATH", "DEFAULT_IDLE_TIMEOUT_SECONDS", "DEFAULT_TOKEN_EXP_SECONDS", "IssuerKeyset", "TOKEN_PREFIX", "TokenError",
    "bearerToken", "chooseTunnel", "createArtifactEndpoint", "decodeArtifactRequest", "decodeConnectArtifact", "encodeArtifactEnvelope",
    "encodeConnectArtifact", "encodeControlplaneError", "equalSignedTokenPart", "parseToken", "requestConnectArtifact", "requestEntryConnectArtifact",
    "requireBearerKey", "signToken", "tunnelScore", "verifyToken",
  ],
  "flowersec/framing": ["DEFAULT_MAX_JSON_FRAME_BYTES", "JsonFramingError", "readJsonFrame", "writeJsonFrame"],
  "flowersec/streamio": ["createByteReader", "createJsonFrameChannel", "openJsonFrameChannel", "readExactly", "readMaybe", "readNBytes"],
  "flowersec/rpc": ["RpcCallError", "RpcClient", "RpcProxy", "RpcProxyDetachedError", "RpcRouter", "RpcServer", "callTyped"],
  "flowersec/yamux": [
    "ByteReader", "DEFAULT_MAX_STREAM_WINDOW", "DEFAULT_YAMUX_LIMITS", "FLAG_ACK", "FLAG_FIN", "FLAG_RST", "FLAG_SYN", "HEADER_LEN", "StreamEOFError",
    "TYPE_DATA", "TYPE_GO_AWAY", "TYPE_PING", "TYPE_WINDOW_UPDATE", "YAMUX_VERSION", "YamuxPingTimeoutError", "YamuxResourceExhaustedError",
    "YamuxSession", "YamuxStream", "YamuxStreamResetError", "decodeHeader", "encodeHeader", "isStreamEOFError", "isYamuxPingTimeoutError",
    "isYamuxResourceExhaustedError", "isYamuxStreamResetError",
  ],
  "flowersec/e2ee": [
    "FramingError", "HANDSHAKE_HEADER_LEN", "HANDSHAKE_MAGIC", "HANDSHAKE_TYPE_ACK", "HANDSHAKE_TYPE_INIT", "HANDSHAKE_TYPE_RESP", "PROTOCOL_VERSION",
    "RECORD_FLAG_APP", "RECORD_FLAG_PING", "RECORD_FLAG_REKEY", "RECORD_HEADER_LEN", "RECORD_MAGIC", "RecordError", "SecureChannel",
    "ServerHandshakeCache", "clientHandshake", "computeAuthTag", "decodeHandshakeFrame", "decodeU64beBigint", "decryptRecord", "deriveRekeyKey",
    "deriveSessionKeys", "encodeHandshakeFrame", "encodeU64beBigint", "encryptRecord", "looksLikeRecordFrame", "maxPlaintextBytes", "serverHandshake",
    "transcriptHash",
  ],
  "flowersec/ws": ["DEFAULT_WEB_SOCKET_LIMITS", "WebSocketBinaryTransport", "WsCloseError"],
  "flowersec/observability": ["NoopObserver", "emitObserverDiagnostic", "normalizeObserver", "nowSeconds", "withObserverContext"],
  "flowersec/reconnect": ["createArtifactResolver", "createControlplaneArtifactSource", "createReconnectManager"],
  "flowersec/sealed": ["SealedError", "ServerKeyPair", "Session", "acceptSealed", "connectSealed", "decodeOpen", "encodeOpen", "parseKeyFile", "parseServerKey"],
  "flowersec/identity": [...identity, "readIdentityFile", "readStoredIdentity", "writeIdentityFile"],
  "flowersec/rendezvous": [...rendezvous, "RegistryServer"],
  "flowersec/ownwire": ["Ownwire", "OwnwireError"],
  "flowersec/ownwire/widget": ["OwnwireChatElement", "defaultStrings", "defineOwnwireChat", "ownwireWidget"],
  "flowersec/streamhello": ["readStreamHello", "writeStreamHello"],
};

for (const [door, names] of Object.entries(doors)) {
  test(`${door} shows exactly what it says`, async () => {
    const module = (await import(door)) as object;
    assert.deepEqual(Object.keys(module).sort(), [...names].sort());
  });
}

const generated = readdirSync(join(repositoryRoot, "ts/src/gen/flowersec"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `flowersec/gen/flowersec/${name.replace(/\.ts$/, "")}`);
test("every generated module has its path", async () => {
  assert.ok(generated.length >= 8);
  for (const path of generated) assert.ok(Object.keys((await import(path)) as object).length > 0, path);
});

for (const path of ["internal", "base", "session", "dist/entry/main.js", "crypto", "token", "gen/flowersec_runtime.gen"]) {
  test(`flowersec/${path} does not resolve`, async () => {
    await assert.rejects(import(`flowersec/${path}`), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
  });
}

test("asking for artifacts is the same function through both doors", async () => {
  const [browser, controlplane] = (await Promise.all([import("flowersec/browser" as string), import("flowersec/controlplane" as string)])) as Record<string, unknown>[];
  for (const name of ["requestConnectArtifact", "requestEntryConnectArtifact"]) assert.equal(browser?.[name], controlplane?.[name]);
});
