// What a server in public-key mode holds for clients that have shown no key, with real WebSockets: one open message, and not a byte more.

import assert from "node:assert/strict";
import { once, type EventEmitter } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { after, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { decodeBase64url, encodeBase64url, utf8 } from "../base/index.js";
import { encodeOpen, maxOpenBytes, sealPsk, SealedError } from "../sealed/index.js";
import { ServerKeyPair } from "../sealed/key_pair.js";
import { triple } from "../testing/world.js";
import { maxPayloadFor } from "../ws/bound.js";
import { EmitterWebSocketAdapter } from "../ws/node/adapt.js";
import { acceptDirect } from "./accept.js";
import { acceptSealed } from "./accept_sealed.js";
import { connectSealedNode } from "./node.js";

const own = new ServerKeyPair(encodeBase64url(new Uint8Array(32).fill(1)));
const policy = { secureTransport: false, transportSecurityPolicy: "allow_plaintext_for_loopback" } as const;
const [wholeText, wholeBinary, firstText, last, ping] = [0x81, 0x82, 0x01, 0x80, 0x89];

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: { threshold: 0 } });
await once(server, "listening");
after(() => server.close());
const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`;

type Wrapped = (socket: WebSocket) => WebSocket | EmitterWebSocketAdapter;
const asItIs: Wrapped = (socket) => socket;
const adapted: Wrapped = (socket) => new EmitterWebSocketAdapter(socket);

/** A client on the way in, the outcome of accepting it, and what it hears at the end. */
async function arrive(wrapped: Wrapped = asItIs, perMessageDeflate = false, accept = (socket: ReturnType<Wrapped>) => acceptSealed(socket, { keys: [own] }, policy)) {
  const accepted = once(server, "connection") as Promise<[WebSocket]>;
  const client = new WebSocket(url, { perMessageDeflate });
  client.on("error", () => {});
  const heard = once(client, "close").then(([code, reason]) => [code as number, String(reason)]);
  const [socket] = await accepted;
  const accepting = accept(wrapped(socket));
  accepting.catch(() => {});
  if (client.readyState !== WebSocket.OPEN) await once(client, "open");
  const { _socket: wire } = client as unknown as { _socket: Socket };
  return { client, socket, wire, accepting, heard };
}

/** The header of a client's frame with eight bytes of length, under a mask of zeros. */
function header(firstByte: number, length: number): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.set([firstByte, length < 126 ? 0x80 | length : length < 65_536 ? 0xfe : 0xff]);
  if (length >= 65_536) bytes.writeBigUInt64BE(BigInt(length), 2);
  else if (length >= 126) bytes.writeUInt16BE(length, 2);
  return bytes.subarray(0, length < 126 ? 6 : length < 65_536 ? 8 : 14);
}
const frame = (firstByte: number, payload: string) => Buffer.concat([header(firstByte, payload.length), Buffer.from(payload)]);

async function expectInvalidOpen({ client, accepting, heard }: Awaited<ReturnType<typeof arrive>>) {
  await assert.rejects(accepting, (error) => triple(error) === "direct/handshake/handshake_failed" && ((error as Error).cause as SealedError).code === "invalid_open");
  assert.deepEqual(await heard, [1008, "invalid_open"]);
  client.terminate();
}

async function goodOpen(): Promise<string> {
  const channelId = "a channel";
  const sealed = await sealPsk(decodeBase64url(own.publicKey, 32) ?? assert.fail(), channelId, new Uint8Array(32));
  return encodeOpen({ channelId, kid: own.kid, suite: 1, sealed });
}

for (const wrapped of [asItIs, adapted]) {
  test(`a first message that is too long is refused when it is announced: ${wrapped === adapted ? "an adapted socket" : "a socket as it is"}`, async () => {
    for (const length of [maxOpenBytes + 1, 1_048_576, 50_000_000]) {
      for (const first of [wholeText, wholeBinary]) {
        const arrived = await arrive(wrapped);
        arrived.wire.write(header(first, length));
        await expectInvalidOpen(arrived);
      }
    }
  });
}

test("fragments count together, and pings between them do not count", async () => {
  const arrived = await arrive();
  const most = " ".repeat(maxOpenBytes - 1);
  arrived.wire.write(Buffer.concat([frame(firstText, most), frame(ping, "here"), header(last, 2)]));
  await expectInvalidOpen(arrived);
});

test("a small message that would be a large one is refused as well", async () => {
  const arrived = await arrive(asItIs, true);
  arrived.client.send(" ".repeat(maxOpenBytes + 1), { compress: true });
  await expectInvalidOpen(arrived);
});

test("an open message may have all of its bytes; what follows it at once may be longer", async () => {
  for (const [more, expected] of [["no INIT", 7], ["x".repeat(1_000_000), 1_000_000]] as const) {
    const arrived = await arrive();
    const sizes: number[] = [];
    arrived.socket.on("message", (data: Buffer) => sizes.push(data.length ?? (data as unknown as ArrayBuffer).byteLength));
    const open = (await goodOpen()).padEnd(maxOpenBytes, " ");
    arrived.wire.write(Buffer.concat([frame(wholeText, open), frame(wholeBinary, more)]));
    // That is where it fails.
    await assert.rejects(arrived.accepting, (error) => /^direct\/handshake\//.test(triple(error)) && !((error as Error).cause instanceof SealedError));
    assert.notEqual((await arrived.heard)[1], "invalid_open");
    assert.deepEqual(sizes, [maxOpenBytes, expected]);
    arrived.client.terminate();
  }
});

test("behind the open message nothing is longer than a record", async () => {
  const arrived = await arrive();
  arrived.wire.write(Buffer.concat([frame(wholeText, await goodOpen()), header(wholeBinary, maxPayloadFor() + 1)]));
  await assert.rejects(arrived.accepting, (error) => triple(error) === "direct/handshake/handshake_failed");
  assert.deepEqual(await arrived.heard, [1009, ""]);
  arrived.client.terminate();
});

test("nor is the first message to a server that shares a key, whatever its WebSocketServer allows", async () => {
  const credential = { channelId: "a channel", suite: 1, psk: new Uint8Array(32), initExpireAtUnixS: Math.floor(Date.now() / 1000) + 60 } as const;
  for (const [options, most] of [[policy, maxPayloadFor()], [{ ...policy, maxRecordBytes: 20_000 }, 20_064]] as const) {
    for (const [length, expected] of [[most, undefined], [most + 1, 1009]] as const) {
      const arrived = await arrive(asItIs, false, (socket) => acceptDirect(socket, credential, options));
      arrived.wire.write(Buffer.concat([header(wholeBinary, length), expected === undefined ? Buffer.alloc(length) : Buffer.alloc(0)]));
      await assert.rejects(arrived.accepting, (error) => triple(error) === "direct/handshake/handshake_failed");
      assert.equal((await arrived.heard)[0] === 1009, expected === 1009);
      arrived.client.terminate();
    }
  }
});

test("whoever was refused may send nonsense: nobody has to listen for errors of its socket", async () => {
  for (const nonsense of [frame(0xf1, "reserved bits"), frame(wholeText, " ".repeat(maxOpenBytes + 1))]) {
    const { socket, wire, client, accepting } = await arrive();
    const { _receiver: receiver } = socket as unknown as { _receiver: EventEmitter };
    wire.pause(); // it does not answer the close
    wire.write(frame(wholeBinary, "no text"));
    await assert.rejects(accepting);
    const failed = new Promise((resolve) => receiver.prependOnceListener("error", resolve));
    wire.write(nonsense);
    await failed;
    await new Promise(setImmediate);
    client.terminate();
  }
});

test("a session takes messages far beyond the bound", async () => {
  const accepting = once(server, "connection").then(([socket]) => acceptSealed(socket as WebSocket, { keys: [own] }, policy));
  const client = await connectSealedNode({ wsUrl: url, serverKeys: [own.publicKey] }, { origin: "https://app.example", ...policy });
  const session = await accepting;
  const stream = await client.openStream("chat");
  const sent = utf8("x".repeat(100_000));
  await stream.write(sent);
  const incoming = await session.acceptStream();
  const theirs = incoming.kind === "chat" ? incoming.stream : (await session.acceptStream()).stream;
  let received = 0;
  while (received < sent.length) received += (await theirs.read())?.length ?? assert.fail("ended");
  assert.equal(received, sent.length);
  client.close();
  await session.ended;
});
