// An endpoint that clients reach without a tunnel: its own WebSocket server, one key for everybody who knows it.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { AllowPlaintextForLoopback, acceptDirectNode } from "flowersec/node";
import { WebSocketServer } from "ws";
import { explainFailures, onStopSignal, printReady, readFlags, splitAddress, usageError } from "./cli.mjs";
import { exampleStreamKinds, serveDemo } from "./services.mjs";

const program = "direct-server";
explainFailures(program);
const help = `
usage: node examples/node/direct-server.mjs --allow-origin ORIGIN [flags]
  --listen 127.0.0.1:0       where to listen
  --ws-path /ws              path of the WebSocket
  --channel-id demo          name of the channel
  --allow-origin ORIGIN      origin of clients (required, repeatable)
  --init-exp-seconds 120     how long clients may begin with the info that is printed
Prints the connect info as one line of JSON: whoever has it can connect.`;

const flags = readFlags(program, help, {
  listen: "127.0.0.1:0", "ws-path": "/ws", "channel-id": "demo", "allow-origin": [], "init-exp-seconds": "120",
});
if (flags["allow-origin"].length === 0) usageError(program, "--allow-origin is required");

// [accept]
const credential = {
  channelId: flags["channel-id"],
  suite: 1,
  psk: randomBytes(32),
  initExpireAtUnixS: Math.floor(Date.now() / 1000) + Number(flags["init-exp-seconds"]),
};
const http = createServer((_, response) => response.writeHead(404).end());
const sockets = new WebSocketServer({
  server: http, path: flags["ws-path"], perMessageDeflate: false, maxPayload: 2 ** 20 + 64,
  verifyClient: ({ origin }) => flags["allow-origin"].includes(origin),
});
sockets.on("connection", async (socket) => {
  try {
    const session = await acceptDirectNode(socket, credential, { secureTransport: false, transportSecurityPolicy: AllowPlaintextForLoopback });
    await serveDemo(session);
  } catch (error) {
    console.error(`refused a client: ${error.message}`);
  }
});
// [accept]

http.on("error", (error) => {
  console.error(`${program}: ${error.message}`);
  process.exit(1);
});
const { host, port } = splitAddress(program, flags.listen);
http.listen(port, host, () => {
  printReady({
    ws_url: `ws://${host.includes(":") ? `[${host}]` : host}:${http.address().port}${flags["ws-path"]}`,
    channel_id: credential.channelId,
    e2ee_psk_b64u: credential.psk.toString("base64url"),
    channel_init_expire_at_unix_s: credential.initExpireAtUnixS,
    default_suite: credential.suite,
    example_type_ids: { rpc_request: 1, rpc_notify: 2 },
    example_stream_kinds: exampleStreamKinds,
  });
});
onStopSignal(() => {});
