// What connecting does, step by step, with the building blocks: WebSocket, attach, handshake, streams, calls. Programs use
// connectNode(), which also bounds, times and cleans up every step; this is for who wants to see inside, or to replace a part.
//
//   FSEC_ORIGIN=http://127.0.0.1:5173 node examples/node/by-hand.mjs < artifact.json     (or the connect info of a direct endpoint)
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { clientHandshake } from "flowersec/e2ee";
import { adaptNodeWebSocket } from "flowersec/node";
import { RpcClient } from "flowersec/rpc";
import { writeStreamHello } from "flowersec/streamhello";
import { createByteReader } from "flowersec/streamio";
import { WebSocketBinaryTransport } from "flowersec/ws";
import { YamuxSession } from "flowersec/yamux";
import { WebSocket } from "ws";
import { explainFailures, readArtifactFromStdin, requireEnv } from "./cli.mjs";
import { firstCalls } from "./first-calls.mjs";

const program = "by-hand";
explainFailures(program);
const origin = requireEnv(program, "FSEC_ORIGIN");
const artifact = await readArtifactFromStdin(program);
const grant = artifact.tunnel_grant;
const known = grant ?? artifact.direct_info ?? artifact;

// [steps]
// 1. A WebSocket. The Origin header says who is asking; messages are never larger than a record.
const socket = new WebSocket(grant?.tunnel_url ?? known.ws_url, { headers: { Origin: origin }, perMessageDeflate: false, maxPayload: 2 ** 20 + 64 });
const transport = new WebSocketBinaryTransport(adaptNodeWebSocket(socket));
await once(socket, "open");

// 2. Through a tunnel: the attach message, the only thing that the tunnel ever reads. It has the token, and not the key.
if (grant !== undefined) {
  const { channel_id, token } = grant;
  socket.send(JSON.stringify({ v: 1, channel_id, role: 1, token, endpoint_instance_id: randomBytes(24).toString("base64url") }));
}

// 3. The handshake: both ends prove that they know the pre-shared key, and agree on keys that nobody else ever has.
const channel = await clientHandshake(transport, {
  channelId: known.channel_id,
  suite: known.default_suite,
  psk: Buffer.from(known.e2ee_psk_b64u, "base64url"),
});

// 4. Streams over the encrypted channel. Each begins with a hello that says what it is for.
const mux = new YamuxSession(channel, { client: true });
async function openStream(kind) {
  const stream = await mux.openStream();
  await writeStreamHello(stream, kind);
  return stream;
}

// 5. Calls, on a stream of kind rpc.
const calls = await openStream("rpc");
const reader = createByteReader(calls);
const rpc = new RpcClient((n) => reader.readExactly(n), (bytes) => calls.write(bytes));
// [steps]

await firstCalls({ rpc, openStream });
rpc.close();
mux.close();
