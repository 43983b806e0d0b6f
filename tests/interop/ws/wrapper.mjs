// This project's WebSocket transport for Node: its own masking and framing of what it sends, and what it makes of closing.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { payloadOf } from "./play_ws.mjs";

const sizes = [1, 125, 126, 127, 16_383, 16_384, 65_535, 65_536, 1_048_576];
const closes = [[1000, ""], [1008, "token_replay"], [4999, "r".repeat(123)], [4000, "é".repeat(61)]];

/** Everything it does with a server that sends back what it gets. */
export async function* wrapperOutcomes(folder, url) {
  const require = createRequire(join(folder, "at.js"));
  const load = (door) => import(pathToFileURL(require.resolve(door)));
  const { createNodeWsFactory } = await load("flowersec/node");
  const { WebSocketBinaryTransport, WsCloseError } = await load("flowersec/ws");
  const open = async () => {
    const socket = createNodeWsFactory()(url, "http://127.0.0.1");
    const transport = new WebSocketBinaryTransport(socket);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return transport;
  };
  const transport = await open();
  for (const size of sizes) {
    const payload = payloadOf({ size });
    await transport.writeBinary(new Uint8Array(payload));
    const answer = await transport.readBinary({ timeoutMs: 60_000 });
    yield { what: `${size} bytes`, expected: "back", got: payload.equals(answer) ? "back" : `${answer.length} other bytes` };
  }
  // Many at once: each with a mask of its own, in buffers that are used again.
  const many = Array.from({ length: 200 }, (_, i) => payloadOf({ size: (i * 977) % 70_000 + 1 }));
  const sending = (async () => {
    for (const each of many) await transport.writeBinary(new Uint8Array(each));
  })();
  let same = 0;
  for (const each of many) if (each.equals(await transport.readBinary({ timeoutMs: 60_000 }))) same++;
  await sending;
  yield { what: "200 messages on their way at once", expected: "200 back", got: `${same} back` };
  transport.close();
  for (const [code, reason] of closes) {
    const asking = await open();
    await asking.writeBinary(Buffer.from(`close ${code} ${reason}`));
    const error = await asking.readBinary({ timeoutMs: 60_000 }).catch((thrown) => thrown);
    asking.close();
    yield { what: `closed with ${code}`, expected: `${code} ${reason}`, got: error instanceof WsCloseError ? `${error.code} ${error.reason}` : String(error) };
  }
}
