// Functions of the application that fail, at once or later: that is nobody's concern but theirs, and ends nothing beside. The runner fails a test
// whose rejections nobody handles.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ChannelInitService } from "../controlplane/channel_init.js";
import { IssuerKeyset } from "../controlplane/issuer_keyset.js";
import { RpcRouter } from "../rpc/index.js";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";
import type { SecureSocketOptions } from "./options.js";
import { SecureWebSocket } from "./secure_web_socket.js";

async function worldOf(t: TestContext, options: Parameters<typeof RendezvousWorld.create>[0] = {}): Promise<RendezvousWorld> {
  const world = await RendezvousWorld.create(options);
  t.after(() => world.close());
  return world;
}

const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};

const fails: [name: string, fail: () => never | Promise<never>][] = [
  ["throws", () => { throw new Error("of the application"); }],
  ["rejects", async () => { throw new Error("of the application"); }],
];
for (const [name, fail] of fails) {
  const failing = fail as () => never;

  for (const caller of ["a", "b"] as const) {
    test(`a routerFor or onStream that ${name} resets the stream, and those behind it are taken: called by ${caller}`, async (t) => {
      const world = await worldOf(t);
      const [ofA, ofB] = await acquainted();
      let isFailing = true;
      const router = new RpcRouter();
      router.register(7, async (payload) => ({ payload }));
      const options: Partial<SecureSocketOptions> = {
        onMessage: () => {},
        routerFor: () => (isFailing ? failing() : router),
        onStream: (_, __, stream) => (isFailing ? failing() : void stream.close()),
      };
      const clients = [await world.client("a", ofA, options), await world.client("b", ofB, options)] as const;
      const [first, second] = caller === "a" ? [0, 1] : [1, 0];
      const names = [keyOf(ofB), keyOf(ofA)] as const;
      await clients[first]!.send(names[first]!, 1);
      const session = await clients[second]!.open(names[second]!);
      const opening = await clients[first]!.open(names[first]!);
      for (const each of [session, opening]) {
        await assert.rejects((await each.openStream("rpc")).read(), { name: "YamuxStreamResetError" });
        await assert.rejects((await each.openStream("file")).read(), { name: "YamuxStreamResetError" });
      }
      await turns();
      isFailing = false;
      // A caller's session opens the stream of its calls at once: that one is gone.
      const callee = session.isCaller ? opening : session;
      assert.deepEqual(await (await callee.rpc()).call(7, 1), { payload: 1 });
      for (const each of [session, opening]) assert.equal(await (await each.openStream("file")).read(), null);
      assert.equal(world.tunnel.channels.length, 2, "one channel all the time");
    });
  }

  test(`listeners that ${name} disturb nobody`, async (t) => {
    const world = await worldOf(t, { onRegister: () => {} });
    const [ofA, ofB] = await acquainted();
    const received: unknown[] = [];
    const a = await world.client("a", ofA, { onState: failing });
    const b = await world.client("b", ofB, { onState: failing, onMessage: name === "rejects" ? failing : () => {} });
    for (const client of [a, b]) client.onState(failing);
    b.onReceived(failing);
    const socket = new SecureWebSocket(keyOf(ofA).text, b);
    for (const event of ["onopen", "onmessage", "onerror", "onclose"] as const) socket[event] = failing;
    b.onReceived(({ message }) => void received.push(message));
    await a.send(keyOf(ofB), 1);
    await a.send(keyOf(ofB), 2);
    assert.deepEqual(received, [1, 2]);
    socket.close();
    await turns();
  });

  test(`an onRegister, onCall or mint that ${name} refuses, and the registry lives on`, async (t) => {
    let failsNow: "onRegister" | "onCall" | "mint" | undefined;
    const service = new ChannelInitService(IssuerKeyset.random("k1"), { tunnelUrl: "wss://tunnel.example/ws", tunnelAudience: "a", issuerId: "i" });
    const at = (which: typeof failsNow) => (failsNow === which ? fail() : undefined);
    const world = await worldOf(t, { onRegister: () => at("onRegister"), onCall: () => at("onCall"), mint: (id) => at("mint") ?? service.issue(id) });
    const [ofA, ofB] = await acquainted();
    failsNow = "onRegister";
    await assert.rejects(world.client("a", ofA), { code: "proof_failed" });
    failsNow = undefined;
    const a = await world.client("a", ofA);
    await world.client("b", ofB, { onMessage: () => {} });
    for (const which of ["onCall", "mint"] as const) {
      failsNow = which;
      const abort = new AbortController();
      const sending = a.send(keyOf(ofB), 1, { signal: abort.signal });
      await turns();
      abort.abort();
      await assert.rejects(sending, { code: "aborted" });
      assert.deepEqual(world.tunnel.channels, []);
    }
  });
}
