// Client and server together, with the generated service on top.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createDemoClient, demoTypeIds, notifyDemoHello, registerDemo } from "../gen/flowersec/demo/v1.rpc.gen.js";
import { RpcCallError } from "../gen/flowersec_runtime.gen.js";
import { streamPair } from "../testing/rpc_stream.js";
import { CountingSignal, settled } from "../testing/yamux_channel.js";
import { RpcClient } from "./client.js";
import { RpcProxy, RpcProxyDetachedError } from "./proxy.js";
import { RpcRouter } from "./router.js";
import { RpcServer } from "./server.js";

function pair() {
  const [here, there] = streamPair();
  const router = new RpcRouter();
  const server = new RpcServer(there, {}, router);
  const serving = server.serve();
  serving.catch(() => {});
  return { client: new RpcClient(here.readExactly, (bytes) => here.write(bytes)), server, router, serving };
}

test("the generated client and handler work unchanged", async () => {
  const { client, server, router } = pair();
  registerDemo(router, {
    async ping() {
      await notifyDemoHello(server, { hello: "world" });
      return { ok: true };
    },
  });
  const demo = createDemoClient(client);
  const heard: string[] = [];
  const remove = demo.onHello(({ hello }) => heard.push(hello));
  assert.deepEqual(await demo.ping({}), { ok: true });
  assert.deepEqual(heard, ["world"]);
  remove();
  await demo.ping({}, { timeoutMs: 60_000 });
  assert.deepEqual(heard, ["world"]);
});

test("400 for a payload that is no request, what a handler refuses, and 500 for what it throws", async () => {
  const { client, router } = pair();
  await assert.rejects(createDemoClient(client).ping({}), { name: "RpcCallError", code: 404, message: "handler not found" });
  registerDemo(router, { ping: () => { throw new RpcCallError(77, "not today"); } });
  assert.deepEqual(await client.call(demoTypeIds.ping, "no object"), { payload: null, error: { code: 400, message: "invalid payload" } });
  await assert.rejects(createDemoClient(client).ping({}), { code: 77, message: "not today", typeId: 1 });
  registerDemo(router, { ping: () => { throw new Error("secret"); } });
  await assert.rejects(createDemoClient(client).ping({}), { code: 500, message: "internal error" });
});

test("a typed call that takes too long, or is aborted, leaves nothing behind", async () => {
  const { client, router } = pair();
  router.register(demoTypeIds.ping, () => new Promise(() => {}));
  const demo = createDemoClient(client);
  await assert.rejects(demo.ping({}, { timeoutMs: 1 }), { name: "TimeoutError" });
  const counted = new CountingSignal();
  const waiting = demo.ping({}, { signal: counted.signal });
  await settled();
  counted.abort("enough");
  await assert.rejects(waiting, (reason) => reason === "enough");
  assert.deepEqual([client.callsInFlight, counted.listeners], [0, 0]);
});

test("many calls at once each get their own answer", async () => {
  const { client, router } = pair();
  router.register(1, async (payload) => {
    if (Number(payload) % 3 === 0) await settled();
    return { payload };
  });
  const replies = await Promise.all(Array.from({ length: 150 }, (_, i) => client.call(1, i)));
  assert.deepEqual(replies.map(({ payload }) => payload), Array.from({ length: 150 }, (_, i) => i));
});

test("a proxy keeps its subscriptions from client to client", async () => {
  const proxy = new RpcProxy();
  const heard: unknown[] = [];
  const remove = proxy.onNotify(5, (payload) => heard.push(payload));
  const removeOther = proxy.onNotify(5, (payload) => heard.push(`other ${String(payload)}`));
  await assert.rejects(proxy.call(1, 1), RpcProxyDetachedError);
  await assert.rejects(proxy.notify(1, 1), RpcProxyDetachedError);
  const [first, second] = [pair(), pair()];
  const push = async (from: ReturnType<typeof pair>, payload: unknown) => {
    await from.server.notify(5, payload);
    await settled();
  };
  first.router.register(1, () => ({ payload: "first" }));
  second.router.register(1, () => ({ payload: "second" }));
  proxy.attach(first.client);
  assert.deepEqual(await proxy.call(1, 1), { payload: "first" });
  await push(first, 1);
  proxy.attach(second.client);
  assert.deepEqual(await proxy.call(1, 1), { payload: "second" });
  await push(first, "from the one before");
  await push(second, 2);
  removeOther();
  removeOther();
  await push(second, 3);
  proxy.detach();
  await push(second, "detached");
  await assert.rejects(proxy.call(1, 1), RpcProxyDetachedError);
  proxy.attach(second.client);
  await push(second, 4);
  remove();
  await push(second, "nobody");
  assert.deepEqual(heard, [1, "other 1", 2, "other 2", 3, 4]);
});
