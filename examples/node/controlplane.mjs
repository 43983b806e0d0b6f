// A control plane of your own, where flowersec-controlplane does not fit: it issues the grants with which two endpoints meet
// at a tunnel, as your application sees fit.
//
// Clients ask over HTTP, with a bearer key. Server endpoints keep a direct Flowersec connection open, register themselves
// (call 1001), and are told of each client by a notification with their half of the channel (1002). All of them share one
// credential, and nothing outlives this program: registrations, credential, and a key that it made.
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { ChannelInitService, ControlplaneCodecError, IssuerKeyset, encodeControlplaneError, requireBearerKey } from "flowersec/controlplane";
import { AllowPlaintextForLoopback, acceptDirectNode, createNodeArtifactEndpoint } from "flowersec/node";
import { RpcServer } from "flowersec/rpc";
import { createByteReader } from "flowersec/streamio";
import { WebSocketServer } from "ws";
import { explainFailures, onStopSignal, printReady, readFlags, splitAddress, usageError } from "./cli.mjs";

const program = "controlplane";
explainFailures(program);
const help = `
usage: node examples/node/controlplane.mjs --tunnel-url ws://127.0.0.1:8080/ws --bearer-key-file FILE [flags]
  --listen 127.0.0.1:0             where to listen
  --tunnel-url URL                 where the tunnel is (required)
  --bearer-key-file FILE           the key that those who ask have to show (required)
  --aud flowersec-tunnel:dev       audience of the tunnel
  --issuer-id issuer-demo          issuer named in the tokens
  --issuer-private-key-file FILE   key that signs, as flowersec-issuer-keygen writes it; without it a new key is made
  --kid k1                         id of a new key
  --issuer-keys-file FILE          where to write the public keys, for the tunnel
  --allow-origin ORIGIN            origin of server endpoints (repeatable); without it, any
Prints one line of JSON once it listens.`;

const flags = readFlags(program, help, {
  listen: "127.0.0.1:0", "tunnel-url": "", aud: "flowersec-tunnel:dev", "issuer-id": "issuer-demo", kid: "k1",
  "issuer-private-key-file": "", "issuer-keys-file": "", "bearer-key-file": "", "allow-origin": [],
});
for (const name of ["tunnel-url", "bearer-key-file"]) if (flags[name] === "") usageError(program, `--${name} is required`);

const maxBodyBytes = 8192;
const controlPath = "/control/ws";
const register = 1001;
const serverGrant = 1002;
/** How long the connect info of the control connection is good for. */
const controlInfoSeconds = 24 * 3600;

// [issuer]
const keyFile = flags["issuer-private-key-file"];
const issuer = keyFile === "" ? IssuerKeyset.random(flags.kid) : IssuerKeyset.fromPrivateKeyFile(readFileSync(keyFile));
const channels = new ChannelInitService(issuer, {
  tunnelUrl: flags["tunnel-url"], tunnelAudience: flags.aud, issuerId: flags["issuer-id"], allowedSuites: [1, 2],
});
if (flags["issuer-keys-file"] !== "") writeFileSync(flags["issuer-keys-file"], issuer.exportTunnelKeyset());
// [issuer]

/** Server endpoints by id: how to notify each. The last one that registers under an id is the one. */
const endpoints = new Map();

/** Makes a channel, tells the server endpoint, returns the client's grant. */
async function openChannel({ endpointId = "server-1", channelId = randomBytes(24).toString("base64url") }) {
  const endpoint = endpoints.get(endpointId);
  if (endpoint === undefined) throw new ControlplaneCodecError(503, "endpoint_unavailable", `no endpoint ${endpointId} is registered`);
  const { client, server } = channels.issue(channelId);
  await endpoint.notify(serverGrant, server);
  return client;
}

// [control]
const credential = { channelId: "control", suite: 1, psk: randomBytes(32), initExpireAtUnixS: Math.floor(Date.now() / 1000) + controlInfoSeconds };

async function serveControl(socket) {
  const session = await acceptDirectNode(socket, credential, { secureTransport: false, transportSecurityPolicy: AllowPlaintextForLoopback });
  let server;
  try {
    const { kind, stream } = await session.acceptStream();
    if (kind !== "rpc") return;
    const reader = createByteReader(stream);
    server = new RpcServer({
      readExactly: (n) => reader.readExactly(n),
      write: (bytes) => stream.write(bytes),
      close: (error) => (error === undefined ? stream.close() : stream.reset(error)),
    });
    server.register(register, async (payload) => {
      const id = typeof payload?.endpoint_id === "string" ? payload.endpoint_id.trim() : "";
      if (id === "") return { payload: null, error: { code: 400, message: "endpoint_id is required" } };
      endpoints.set(id, server);
      return { payload: { ok: true } };
    });
    await server.serve();
  } finally {
    for (const [id, registered] of endpoints) if (registered === server) endpoints.delete(id);
    session.close();
  }
}
// [control]

// [http]
async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new ControlplaneCodecError(413, "body_too_large", `request body exceeds ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readInit(body) {
  let value;
  try {
    value = body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new ControlplaneCodecError(400, "invalid_json", "malformed JSON request body", { cause });
  }
  const { channel_id: channelId, endpoint_id: endpointId } = value ?? {};
  for (const each of [channelId, endpointId]) {
    if (each !== undefined && typeof each !== "string") throw new ControlplaneCodecError(400, "invalid_request", "ids are texts");
  }
  return { ...(channelId && { channelId }), ...(endpointId && { endpointId }) };
}

const mayAsk = requireBearerKey(readFileSync(flags["bearer-key-file"], "utf8").trim());

const artifacts = createNodeArtifactEndpoint({
  maxBodyBytes,
  validate: mayAsk,
  issue: async ({ endpointId, correlation }) => {
    const tunnel_grant = await openChannel({ endpointId });
    return { v: 1, transport: "tunnel", tunnel_grant, ...(correlation && { correlation: { v: 1, trace_id: correlation.traceId, tags: [] } }) };
  },
  onFailure: (error) => error instanceof ControlplaneCodecError || console.error(error),
});

const routes = {
  "GET /healthz": async () => "ok\n",
  "POST /v1/channel/init": async (request) => {
    mayAsk({ ticket: /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1].trim() ?? "" });
    return `${JSON.stringify({ grant_client: await openChannel(readInit(await readBody(request))) })}\n`;
  },
};

const http = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/v1/connect/artifact") return artifacts(request, response);
  let status = 200;
  let body;
  try {
    const route = routes[`${request.method} ${pathname}`];
    const isKnown = Object.keys(routes).some((each) => each.endsWith(` ${pathname}`));
    if (route === undefined) throw new ControlplaneCodecError(isKnown ? 405 : 404, isKnown ? "method_not_allowed" : "not_found", "no such endpoint");
    body = await route(request);
  } catch (error) {
    const { code = "internal_error", message } = error;
    if (!(error instanceof ControlplaneCodecError)) console.error(error);
    status = error.status ?? 500;
    body = encodeControlplaneError(code, message);
  }
  response.writeHead(status, { "content-type": pathname === "/healthz" ? "text/plain" : "application/json", "cache-control": "no-store" }).end(body);
});
// [http]

const control = new WebSocketServer({
  server: http, path: controlPath, perMessageDeflate: false, maxPayload: 2 ** 20 + 64,
  verifyClient: ({ origin }) => flags["allow-origin"].length === 0 || flags["allow-origin"].includes(origin),
});
control.on("connection", (socket) => {
  serveControl(socket).catch((error) => console.error(`control connection: ${error.message}`));
});
http.on("error", (error) => {
  console.error(`${program}: ${error.message}`);
  process.exit(1);
});

const { host, port } = splitAddress(program, flags.listen);
http.listen(port, host, () => {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${http.address().port}`;
  const tunnel = new URL(flags["tunnel-url"]);
  printReady({
    controlplane_http_url: `http://${authority}`,
    tunnel_audience: flags.aud,
    tunnel_issuer: flags["issuer-id"],
    issuer_keys_file: flags["issuer-keys-file"],
    tunnel_ws_url_hint: flags["tunnel-url"],
    tunnel_listen: tunnel.host,
    tunnel_ws_path: tunnel.pathname,
    server_endpoint_control: {
      ws_url: `ws://${authority}${controlPath}`,
      channel_id: credential.channelId,
      e2ee_psk_b64u: credential.psk.toString("base64url"),
      channel_init_expire_at_unix_s: credential.initExpireAtUnixS,
      default_suite: credential.suite,
    },
  });
});
onStopSignal(() => issuer.dispose());
