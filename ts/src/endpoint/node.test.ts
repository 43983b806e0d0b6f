// Both roles over real sockets on this machine.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { WebSocketServer } from "ws";
import { FlowersecError } from "../base/index.js";
import { RpcRouter } from "../rpc/index.js";
import { credential, info, origin } from "../testing/world.js";
import { acceptDirectNode, acceptDirectResolvedNode, connectDirectNode, connectNode } from "./node.js";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
await once(server, "listening");
after(() => server.close());
const ws_url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`;
const local = { ...info, ws_url };
const policy = { transportSecurityPolicy: "allow_plaintext_for_loopback" as const };

test("a call, and 8 MiB each way, both suites, through either door", async () => {
  for (const default_suite of [1, 2] as const) {
    const socket = once(server, "connection");
    const connecting = connectNode({ v: 1, transport: "direct", direct_info: { ...local, default_suite } }, { origin, ...policy });
    const session = await acceptDirectResolvedNode((await socket)[0], () => credential, { secureTransport: false, ...policy });
    const router = new RpcRouter();
    router.register(1, (payload) => ({ payload }));
    void session.serveRPC(router).catch(() => {});
    const client = await connecting;
    assert.deepEqual(await client.rpc.call(1, { a: 1 }), { payload: { a: 1 } });
    const accepting = session.acceptStream();
    const stream = await client.openStream("bulk");
    const { stream: other } = await accepting;
    const size = 8 * 1_048_576;
    const send = async (to: typeof stream) => {
      for (let at = 0; at < size; at += 262_144) await to.write(new Uint8Array(262_144).fill(at >> 18));
      await to.close();
    };
    const receive = async (from: typeof stream) => {
      let at = 0;
      for await (const chunk of from) {
        assert.equal(chunk[0], (at >> 18) & 255);
        at += chunk.length;
      }
      return at;
    };
    const [, , got, back] = await Promise.all([send(stream), send(other), receive(other), receive(stream)]);
    assert.deepEqual([got, back], [size, size]);
    client.close();
    await session.ended;
  }
});

test("a peer that is not there, and one that is no WebSocket", async () => {
  await assert.rejects(connectDirectNode({ ...local, ws_url: "ws://127.0.0.1:1/" }, { origin, ...policy }), (error) => error instanceof FlowersecError && error.stage === "connect" && error.code === "dial_failed");
  await assert.rejects(acceptDirectNode({}, credential), TypeError);
});

test("a message beyond the configured limits is refused by the socket", async () => {
  const socket = once(server, "connection");
  const connecting = connectDirectNode(local, { origin, ...policy, maxRecordBytes: 1000, maxHandshakePayload: 1000 });
  const [peer] = (await socket) as [{ send(data: Uint8Array): void }];
  peer.send(new Uint8Array(1075));
  await assert.rejects(connecting, (error) => error instanceof FlowersecError && error.code === "handshake_failed");
});
