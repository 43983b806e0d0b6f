// The manager on a clock that the test moves, with clients that the test ends. After every end: no timer, no listener.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { AbortError, type FlowersecError } from "../base/index.js";
import type { DiagnosticEvent } from "../observability/events.js";
import { normalizeObserver } from "../observability/observer.js";
import { errorOf, FakeClient, MuteClient, reconnectWorld as world } from "../testing/reconnect_world.js";
import { WsCloseError } from "../ws/socket.js";
import type { ConnectAttempt } from "./config.js";

test("two failures and a success: states, events and their numbers, each attempt with the right observer", async () => {
  const { manager, config, nth, clock, seen, told, events, nothingLeft } = world();
  const connecting = manager.connect(config);
  nth(0).reject(errorOf("dial_failed"));
  await turn();
  clock.advance(100);
  nth(1).reject(errorOf("timeout"));
  await turn();
  clock.advance(199);
  assert.equal(manager.state().status, "connecting");
  clock.advance(1);
  const client = new FakeClient();
  nth(2).resolve(client);
  await connecting;
  await turn();
  assert.equal(manager.state().client, client);
  assert.deepEqual(seen(), ["disconnected", "connecting", "connecting dial_failed", "connecting timeout", "connected"]);
  for (const event of events) {
    assert.deepEqual([event.v, event.namespace, event.stage, event.code_domain], [1, "connect", "reconnect", "event"]);
    assert.ok(event.elapsed_ms >= 0);
  }
  assert.deepEqual(told(), [
    "reconnect_attempt 1", "reconnect_scheduled 1", "reconnect_retry_attempt 2", "reconnect_scheduled 2", "reconnect_retry_attempt 3", "reconnect_connected 3",
  ]);
  manager.disconnect();
  assert.equal(client.closes, 1);
  assert.deepEqual(seen(), ["disconnected"]);
  nothingLeft();
});

test("a terminal code on the first attempt: no second one, the caller gets the error itself", async () => {
  const { manager, config, nth, tries, clock, told, nothingLeft } = world();
  const connecting = manager.connect(config);
  const error = errorOf("invalid_psk");
  nth(0).reject(error);
  await assert.rejects(connecting, (thrown) => thrown === error);
  assert.deepEqual(manager.state(), { status: "error", error });
  clock.advance(60_000);
  await turn();
  assert.equal(tries.length, 1);
  assert.deepEqual(told(), ["reconnect_attempt 1", "reconnect_exhausted 1"]);
  nothingLeft();
});

test("attempts are used up; throwing nothing is an error too", async () => {
  const { manager, config, nth, clock, nothingLeft } = world({ maxAttempts: 2 });
  const connecting = manager.connect(config);
  nth(0).reject(errorOf("dial_failed"));
  await turn();
  clock.advance(100);
  nth(1).reject(undefined);
  await assert.rejects(connecting, /failed without an error/);
  nothingLeft();
});

test("a lost session: the first wait, then a new cycle, and the state shows why", async () => {
  const { manager, nth, clock, tries, seen, established, told, nothingLeft } = world();
  const client = await established(new FakeClient());
  seen();
  const why = errorOf("not_connected");
  client.end.resolve(why);
  client.rpcEnd.resolve(errorOf("rpc_failed"));
  await turn();
  assert.equal(client.closes, 1);
  assert.deepEqual(manager.state(), { status: "connecting", error: why });
  clock.advance(99);
  assert.equal(tries.length, 1);
  clock.advance(1);
  assert.equal(tries.length, 2);
  nth(1).resolve(new FakeClient());
  await turn();
  assert.deepEqual(seen(), ["connecting not_connected", "connected"]);
  assert.deepEqual(told(), ["reconnect_attempt 1", "reconnect_connected 1", "reconnect_scheduled 1", "reconnect_attempt 2", "reconnect_connected 2"]);
  manager.disconnect();
  nothingLeft();
});

test("the end of the calls' stream is a loss as well; a close on this side is none", async () => {
  const { manager, established, nothingLeft } = world();
  const first = await established(new FakeClient());
  first.close();
  await turn();
  assert.equal(manager.state().client, first, "closed by the caller, who knows");
  first.rpcEnd.resolve(errorOf("rpc_failed"));
  await turn();
  assert.equal(manager.state().status, "connecting");
  assert.equal(first.closes, 2);
  manager.disconnect();
  nothingLeft();
});

for (const [name, why] of [["a terminal code", errorOf("canceled")], ["an abort", new AbortError() as unknown as FlowersecError]] as const) {
  test(`a loss with ${name} is final: the session is closed, nothing is acquired, and the state shows why`, async () => {
    const { manager, established, clock, tries, told, nothingLeft } = world();
    const client = await established(new FakeClient());
    client.end.resolve(why);
    await turn();
    assert.deepEqual(manager.state(), { status: "error", error: why });
    assert.equal(client.closes, 1);
    clock.advance(60_000);
    assert.equal(tries.length, 1);
    assert.deepEqual(told(), ["reconnect_attempt 1", "reconnect_connected 1"]);
    nothingLeft();
  });
}

test("not enabled: a loss is final", async () => {
  const { manager, established, clock, tries, nothingLeft } = world({ enabled: false });
  const client = await established(new FakeClient());
  client.end.resolve(errorOf("not_connected"));
  await turn();
  assert.equal(manager.state().status, "error");
  assert.equal(client.closes, 1);
  clock.advance(60_000);
  assert.equal(tries.length, 1);
  nothingLeft();
});

test("disconnect during a wait acquires nothing more; who waited is released", async () => {
  const { manager, config, nth, clock, tries, nothingLeft } = world();
  const connecting = manager.connect(config);
  nth(0).reject(errorOf("dial_failed"));
  await turn();
  assert.equal(clock.pending, 1);
  manager.disconnect();
  nothingLeft();
  await connecting;
  clock.advance(60_000);
  assert.equal(tries.length, 1);
  assert.deepEqual(manager.state(), { status: "disconnected" });
});

test("disconnect during an attempt fires its signal, and closes what still comes", async () => {
  const { manager, config, nth, seen, nothingLeft } = world();
  const connecting = manager.connect(config);
  const { signal } = nth(0).attempt;
  assert.equal(signal.aborted, false);
  manager.disconnect();
  assert.equal(signal.aborted, true);
  await connecting;
  const late = new FakeClient();
  late.closeError = new Error("nobody's");
  nth(0).resolve(late);
  await turn();
  assert.equal(late.closes, 1);
  assert.deepEqual(seen(), ["disconnected", "connecting", "disconnected"]);
  nothingLeft();
});

test("connect replaces an attempt and a session", async () => {
  const { manager, config, nth, nothingLeft } = world();
  const first = manager.connect(config);
  const second = manager.connect(config);
  await first;
  assert.equal(nth(0).attempt.signal.aborted, true);
  nth(0).reject(new DOMException("aborted", "AbortError"));
  const client = new FakeClient();
  nth(1).resolve(client);
  await second;
  assert.equal(manager.state().client, client);
  const third = manager.connect(config);
  assert.equal(client.closes, 1);
  const next = new FakeClient();
  nth(2).resolve(next);
  await third;
  client.end.resolve(errorOf("not_connected"));
  client.rpcEnd.resolve(errorOf("rpc_failed"));
  await turn();
  assert.equal(manager.state().client, next, "a late report about an older session");
  manager.disconnect();
  nothingLeft();
});

test("bad settings are refused before anything happens", async () => {
  const { manager, config, established, tries } = world();
  const client = await established(new FakeClient());
  await assert.rejects(manager.connect({ ...config, autoReconnect: { factor: 0.5 } }), { code: "invalid_option", stage: "validate", path: "auto" });
  await assert.rejects(manager.connectIfNeeded({ ...config, autoReconnect: { maxAttempts: 0 } }), { code: "invalid_option" });
  await assert.rejects(manager.connect({} as typeof config), { code: "invalid_option" });
  assert.equal(manager.state().client, client);
  assert.equal(tries.length, 1);
});

test("connectIfNeeded: one attempt for many, joined also while it waits and after a loss; another config replaces", async () => {
  const { manager, config, nth, tries, clock, nothingLeft } = world();
  const callers = [manager.connectIfNeeded(config), manager.connectIfNeeded({ ...config })];
  assert.equal(tries.length, 1);
  nth(0).reject(errorOf("dial_failed"));
  await turn();
  callers.push(manager.connectIfNeeded({ ...config, autoReconnect: { ...config.autoReconnect, drainSpreadMs: 10_000 } }));
  clock.advance(100);
  const client = new FakeClient();
  nth(1).resolve(client);
  await Promise.all(callers);
  await manager.connectIfNeeded(config);
  assert.equal(tries.length, 2);
  client.end.resolve(errorOf("not_connected"));
  await turn();
  const joined = manager.connectIfNeeded(config);
  clock.advance(100);
  nth(2).reject(errorOf("invalid_input"));
  await assert.rejects(joined, { code: "invalid_input" });
  void manager.connectIfNeeded(config);
  void manager.connectIfNeeded({ ...config, observer: {} });
  void manager.connectIfNeeded({ ...config, observer: {}, autoReconnect: { enabled: true } });
  assert.equal(tries.length, 6);
  manager.disconnect();
  nothingLeft();
});

test("a session whose close throws: state error, and whoever asked for it is told", async () => {
  const { manager, config, established, tries, nothingLeft } = world();
  const boom = new Error("cannot close");
  (await established(new FakeClient())).closeError = boom;
  assert.throws(() => manager.disconnect(), boom);
  assert.deepEqual(manager.state(), { status: "error", error: boom });
  nothingLeft();
  (await established(new FakeClient())).closeError = boom;
  await assert.rejects(manager.connect(config), boom);
  assert.deepEqual(manager.state(), { status: "error", error: boom });
  assert.equal(tries.length, 2, "no attempt after it");
  const lost = await established(new FakeClient());
  lost.closeError = boom;
  const why = errorOf("not_connected");
  lost.end.resolve(why);
  await turn();
  const { status, error } = manager.state();
  assert.equal(status, "error");
  assert.deepEqual((error as AggregateError).errors, [why, boom]);
  nothingLeft();
});

test("listeners: at once, in order, until unsubscribed; what they throw is theirs, and they may call the manager", async () => {
  const { manager, config, nth, nothingLeft } = world();
  const heard: string[] = [];
  const stopBad = manager.subscribe(() => {
    throw new Error("theirs");
  });
  manager.subscribe(({ status }) => {
    if (status === "connecting") manager.disconnect();
  });
  const stop = manager.subscribe(({ status }) => void heard.push(status));
  await manager.connect(config);
  assert.equal(nth(0).attempt.signal.aborted, true);
  assert.deepEqual(heard, ["disconnected", "connecting", "disconnected"]);
  stop();
  stopBad();
  await manager.connect(config);
  assert.equal(heard.length, 3);
  nothingLeft();
});

test("subscriptions survive sessions; calls without one fail", async () => {
  const { manager, established, nth, clock } = world();
  const heard: unknown[] = [];
  const unsubscribe = manager.rpc.onNotify(7, (payload) => void heard.push(payload));
  await assert.rejects(manager.rpc.call(1, {}), { name: "RpcProxyDetachedError" });
  const first = await established(new FakeClient());
  first.rpc.handlers.get(7)?.forEach((handler) => handler("one"));
  assert.deepEqual(await manager.rpc.call(3, {}), { payload: 3 });
  first.end.resolve(errorOf("not_connected"));
  await turn();
  assert.equal(first.rpc.listening, 0);
  await assert.rejects(manager.rpc.call(1, {}), { name: "RpcProxyDetachedError" });
  clock.advance(100);
  const second = new FakeClient();
  nth(1).resolve(second);
  await turn();
  second.rpc.handlers.get(7)?.forEach((handler) => handler("two"));
  assert.deepEqual(heard, ["one", "two"]);
  unsubscribe();
  assert.equal(second.rpc.listening, 0);
  manager.disconnect();
});

test("a hint of draining spreads the herd, and better surroundings do not gather it again", async () => {
  const comeBack: number[] = [];
  for (let i = 0; i <= 10; i++) {
    const { manager, established, clock, surroundings, tries, nothingLeft } = world({ drainSpreadMs: 4000 }, [0.5, i / 10]);
    const client = await established(new FakeClient());
    client.end.resolve(errorOf("not_connected", new WsCloseError(1001, "draining")));
    await turn();
    surroundings.better();
    assert.equal(tries.length, 1);
    while (tries.length === 1) clock.advance(1);
    comeBack.push(clock.monoMs());
    manager.disconnect();
    nothingLeft();
  }
  assert.deepEqual(comeBack, [100, 500, 900, 1300, 1700, 2100, 2500, 2900, 3300, 3700, 4100]);
});

test("without a network nothing is tried; when it is back, at once", async () => {
  const { manager, established, clock, surroundings, tries, nothingLeft } = world();
  const client = await established(new FakeClient());
  surroundings.online = false;
  client.end.resolve(errorOf("not_connected"));
  await turn();
  clock.advance(3_600_000);
  assert.equal(tries.length, 1);
  assert.equal(clock.pending, 0, "no polling");
  surroundings.watching.forEach((look) => look());
  assert.equal(tries.length, 1, "somebody looks, and there is still no network");
  surroundings.better();
  assert.equal(tries.length, 2);
  manager.disconnect();
  nothingLeft();
});

test("a wait ends when things get better, and the first attempt of a connect waits for nothing", async () => {
  const { manager, config, clock, surroundings, tries, nth, nothingLeft } = world();
  surroundings.online = false;
  void manager.connect(config);
  assert.equal(tries.length, 1);
  nth(0).reject(errorOf("dial_failed"));
  await turn();
  surroundings.better();
  assert.equal(tries.length, 2);
  assert.equal(clock.monoMs(), 0);
  surroundings.better();
  assert.equal(tries.length, 2, "an attempt is under way");
  manager.disconnect();
  nothingLeft();
});

test("a session is probed when things get better; surroundings can be disregarded", async () => {
  const { manager, config, established, nth, surroundings, nothingLeft } = world();
  const client = await established(new FakeClient());
  assert.equal(surroundings.watching.size, 1);
  surroundings.better();
  assert.equal(client.probes, 1);
  const again = manager.connect({ ...config, surroundings: false });
  assert.equal(surroundings.watching.size, 0);
  nth(1).resolve(new FakeClient());
  await again;
  assert.equal(surroundings.watching.size, 0);
  manager.disconnect();
  nothingLeft();
});

test("a client that cannot say how it ended is watched through its observer", async () => {
  const ends: [string, (attempt: ConnectAttempt) => void][] = [
    ["closed", ({ observer }) => observer.onWsClose?.("peer_or_error", 1006)],
    ["error", ({ observer }) => observer.onWsError?.("error")],
    ["liveness", ({ observer }) => observer.onDiagnosticEvent?.({ code: "liveness_timeout", result: "fail", stage: "yamux" } as DiagnosticEvent)],
  ];
  for (const [name, end] of ends) {
    const { manager, established, nth, clock, nothingLeft } = world<MuteClient>();
    const client = await established(new MuteClient());
    nth(0).attempt.observer.onWsClose?.("local", 1000);
    await turn();
    assert.equal(manager.state().client, client, "a close on this side is none");
    end(nth(0).attempt);
    end(nth(0).attempt);
    await turn();
    assert.equal(manager.state().status, "connecting", name);
    assert.equal((manager.state().error as FlowersecError).code, "not_connected");
    assert.equal(client.closes, 1);
    clock.advance(100);
    const second = new MuteClient();
    nth(1).resolve(second);
    await turn();
    end(nth(0).attempt);
    await turn();
    assert.equal(manager.state().client, second, "a late trigger of an older client");
    manager.disconnect();
    nothingLeft();
  }
});

test("what a caller's observer throws disturbs nothing; one that is normalised keeps its queue", async () => {
  const { manager, config, nth, nothingLeft } = world();
  const told: string[] = [];
  const observer = normalizeObserver({
    onDiagnosticEvent: ({ code }) => {
      told.push(code);
      throw new Error("theirs");
    },
  });
  const connecting = manager.connect({ ...config, observer });
  nth(0).resolve(new FakeClient());
  await connecting;
  await turn();
  assert.deepEqual(told, ["reconnect_attempt", "reconnect_connected"]);
  manager.disconnect();
  nothingLeft();
});
