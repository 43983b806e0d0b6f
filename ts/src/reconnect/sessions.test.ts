// The manager over real sessions, on WebSockets joined in memory: what a server's end looks like from here.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred, type FlowersecError } from "../base/index.js";
import { acceptDirect } from "../endpoint/accept.js";
import type { DiagnosticEvent } from "../observability/index.js";
import { RpcRouter, RpcServer } from "../rpc/index.js";
import type { Session } from "../session/index.js";
import { createByteReader } from "../streamio/index.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { ManualClock } from "../testing/manual_clock.js";
import { SecretWatch } from "../testing/secret_watch.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { credential, info, origin } from "../testing/world.js";
import type { YamuxStream } from "../yamux/index.js";
import { isDraining } from "./failure.js";
import { createReconnectManager, type ConnectionState } from "./manager.js";
import { createNodeReconnectConfig } from "./node.js";

interface Served {
  sockets: [PairedWebSocket, PairedWebSocket];
  session: Session;
  calls: RpcServer;
  stream: YamuxStream;
}

/** An endpoint that serves calls on whatever socket a client opens; `refuse` closes instead. */
function endpoint() {
  const served: Promise<Served>[] = [];
  const sockets: [PairedWebSocket, PairedWebSocket][] = [];
  let refuse: ((socket: PairedWebSocket) => void) | undefined;
  const serve = async (pair: [PairedWebSocket, PairedWebSocket]): Promise<Served> => {
    const session = await acceptDirect(pair[1], credential, {});
    const { stream } = await session.acceptStream();
    const reader = createByteReader(stream);
    const calls = new RpcServer({ readExactly: (n) => reader.readExactly(n), write: (bytes) => stream.write(bytes), close: () => stream.close() }, {}, new RpcRouter());
    void calls.serve().catch(() => {});
    return { sockets: pair, session, calls, stream };
  };
  return {
    served,
    sockets,
    last: () => served.at(-1) ?? assert.fail("nothing served"),
    refuseNext: (how: (socket: PairedWebSocket) => void) => (refuse = how),
    wsFactory: () => {
      const pair = PairedWebSocket.pair();
      sockets.push(pair);
      if (refuse !== undefined) {
        setImmediate(refuse, pair[1]);
        refuse = undefined;
        return pair[0];
      }
      const serving = serve(pair);
      serving.catch(() => {});
      served.push(serving);
      return pair[0];
    },
  };
}

function world(autoReconnect = {}) {
  const clock = new ManualClock();
  const manager = createReconnectManager({ clock, random: () => 0.5 });
  const { wsFactory, ...server } = endpoint();
  const config = createNodeReconnectConfig({
    source: { kind: "refreshable", acquire: async () => ({ v: 1, transport: "direct", direct_info: info }) },
    connect: { origin, wsFactory },
    autoReconnect: { enabled: true, initialDelayMs: 100, jitterRatio: 0, drainSpreadMs: 2000, ...autoReconnect },
  });
  /** The next state that is `status`. */
  const becomes = (status: string) => {
    const { promise, resolve } = deferred<ConnectionState>();
    let isFirst = true;
    const stop = manager.subscribe((state) => {
      if (isFirst) return void (isFirst = false);
      if (state.status === status) resolve(state);
    });
    return promise.finally(stop);
  };
  const nothingLeft = () => {
    assert.equal(clock.pending, 0, "timers");
    for (const [client] of server.sockets) assert.equal(client.listening, 0, "listeners of a socket");
  };
  return { clock, manager, config, becomes, nothingLeft, ...server };
}

const codeOf = ({ error }: ConnectionState) => `${(error as FlowersecError).stage}/${(error as FlowersecError).code}`;

test("a server that drains: its clients come back spread, and their subscriptions with them", async () => {
  const { manager, config, clock, becomes, last, served, nothingLeft } = world();
  const notified = deferred<unknown>();
  manager.rpc.onNotify(2, notified.resolve);
  await manager.connect(config);
  const lost = becomes("connecting");
  (await last()).sockets[1].close(1001, "draining");
  assert.equal(codeOf(await lost), "close/not_connected");
  assert.equal(isDraining(manager.state().error), true);
  const back = becomes("connected");
  clock.advance(1099);
  assert.equal(manager.state().status, "connecting");
  assert.equal(clock.pending, 1);
  clock.advance(1);
  await back;
  assert.equal((await manager.rpc.call(9, {})).error?.code, 404);
  assert.equal(served.length, 2);
  await (await last()).calls.notify(2, "of the second session");
  assert.equal(await notified.promise, "of the second session");
  manager.disconnect();
  nothingLeft();
});

test("a connection that breaks is no draining: the first wait is short", async () => {
  const { manager, config, clock, becomes, last, nothingLeft } = world();
  await manager.connect(config);
  const lost = becomes("connecting");
  (await last()).sockets[0].drop(1006);
  await lost;
  const back = becomes("connected");
  clock.advance(100);
  await back;
  manager.disconnect();
  nothingLeft();
});

test("a server that ends the stream of calls only, having used it: the session is replaced", async () => {
  const { manager, config, clock, becomes, last, nothingLeft } = world();
  await manager.connect(config);
  const lost = becomes("connecting");
  await manager.rpc.call(9, {});
  (await last()).stream.reset();
  assert.equal(codeOf(await lost), "rpc/rpc_failed");
  const back = becomes("connected");
  clock.advance(100);
  await back;
  manager.disconnect();
  nothingLeft();
});

test("a server that ends the used stream of calls is a loss also where nothing is tried twice", async () => {
  const { manager, config, becomes, last, nothingLeft } = world({ enabled: false });
  await manager.connect(config);
  const given = becomes("error");
  await manager.rpc.call(9, {});
  await (await last()).stream.close();
  assert.equal(codeOf(await given), "rpc/rpc_failed");
  nothingLeft();
});

for (const enabled of [true, false]) {
  for (const end of ["reset", "close"] as const) {
    test(`a server that serves no calls, and ends their stream with ${end}, is kept, reconnecting ${enabled ? "enabled" : "off"}`, async () => {
      const { manager, config, last, served, nothingLeft } = world({ enabled });
      await manager.connect(config);
      const { client } = manager.state();
      await (await last()).stream[end]();
      await assert.rejects(manager.rpc.call(9, {}));
      await client?.probeLiveness();
      assert.equal(manager.state().client, client);
      await manager.state().client?.openStream("x");
      assert.equal((await (await last()).session.acceptStream()).kind, "x");
      assert.equal(served.length, 1);
      manager.disconnect();
      nothingLeft();
    });
  }
}

test("an attempt that a draining server closes is spread as well", async () => {
  const { manager, config, clock, becomes, refuseNext, nothingLeft } = world();
  refuseNext((socket) => socket.close(1001, "draining"));
  const failed = becomes("connecting");
  const connecting = manager.connect(config);
  await failed;
  while (manager.state().error === undefined) await becomes("connecting");
  assert.equal(codeOf(manager.state()), "handshake/handshake_failed");
  clock.advance(1099);
  assert.equal(clock.pending, 1);
  clock.advance(1);
  await connecting;
  manager.disconnect();
  nothingLeft();
});

test("disconnect at any moment of connecting leaves no listener and no session", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { manager, config, sockets, served, nothingLeft } = world();
    const connecting = manager.connect(config);
    for (let i = 0; i < turns; i++) await new Promise(setImmediate);
    manager.disconnect();
    await connecting;
    for (let i = 0; i < 12; i++) await new Promise(setImmediate);
    assert.equal(manager.state().status, "disconnected");
    for (const [client] of sockets) assert.ok(client.readyState >= 2, `open after ${turns} turns`);
    for (const outcome of await Promise.allSettled(served)) if (outcome.status === "fulfilled") outcome.value.session.close();
    nothingLeft();
  }
});

test("an attempt's signal has no listener once there is a session", async () => {
  const { config } = world();
  const abort = new CountedAbort();
  const client = await config.connectOnce({ signal: abort.signal, observer: {} });
  assert.equal(abort.listeners, 0);
  client.close();
});

test("events of a manager and of its sessions come in order, with the ids of the artifact", async () => {
  const clock = new ManualClock();
  const manager = createReconnectManager({ clock, random: () => 0.5 });
  const { wsFactory, last } = endpoint();
  const seen: DiagnosticEvent[] = [];
  const correlations = [{ v: 1, trace_id: "trace-0001", session_id: "session-1", tags: [] }, { v: 1, session_id: "not good", tags: [] }] as const;
  let asked = 0;
  await manager.connect(createNodeReconnectConfig({
    source: { kind: "refreshable", acquire: async () => ({ v: 1, transport: "direct", direct_info: info, correlation: correlations[asked++] ?? assert.fail() }) },
    connect: { origin, wsFactory },
    observer: { onDiagnosticEvent: (event) => void seen.push(event) },
    autoReconnect: { enabled: true, maxAttempts: 1, initialDelayMs: 100, jitterRatio: 0 },
  }));
  const becomes = (status: string) => {
    const { promise, resolve } = deferred<void>();
    const stop = manager.subscribe((state) => state.status === status && resolve());
    return promise.finally(() => stop());
  };
  (await last()).sockets[0].drop(1006);
  await becomes("connecting");
  const back = becomes("connected");
  clock.advance(100);
  await back;
  await new Promise(setImmediate);
  manager.disconnect();
  seen.forEach(new SecretWatch(info.e2ee_psk_b64u).look);
  const first = "trace-0001/session-1";
  assert.deepEqual(seen.map(({ code, attempt_seq, trace_id, session_id }) => `${code} ${attempt_seq} ${trace_id}/${session_id}`), [
    "reconnect_attempt 1 undefined/undefined", `connect_ok 1 ${first}`, `handshake_ok 1 ${first}`, `reconnect_connected 1 ${first}`,
    `ws_close_peer_or_error 1 ${first}`, `reconnect_scheduled 1 ${first}`, "reconnect_attempt 2 trace-0001/undefined",
    "connect_ok 2 trace-0001/undefined", "handshake_ok 2 trace-0001/undefined", "reconnect_connected 2 trace-0001/undefined",
  ]);
});

test("an attempt that fails, and giving up, have the ids of the artifact", async () => {
  const seen: DiagnosticEvent[] = [];
  const manager = createReconnectManager({ clock: new ManualClock(), random: () => 0.5 });
  await assert.rejects(manager.connect(createNodeReconnectConfig({
    source: { kind: "refreshable", acquire: async () => ({ v: 1, transport: "direct", direct_info: info, correlation: { v: 1, trace_id: "trace-0001", tags: [] } }) },
    connect: { origin: "" },
    observer: { onDiagnosticEvent: (event) => void seen.push(event) },
    autoReconnect: { enabled: false },
  })), { code: "missing_origin" });
  await new Promise(setImmediate);
  assert.deepEqual(seen.map(({ code, trace_id }) => `${code} ${trace_id}`), ["reconnect_attempt undefined", "reconnect_exhausted trace-0001"]);
});

test("a probe without an answer is told of before the loss, which names it", async () => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const manager = createReconnectManager({ clock, random: () => 0.5 });
  const { wsFactory, sockets } = endpoint();
  const seen: string[] = [];
  await manager.connect(createNodeReconnectConfig({
    source: { kind: "refreshable", acquire: async () => ({ v: 1, transport: "direct", direct_info: info }) },
    connect: { origin, wsFactory, clock, liveness: { intervalMs: 1000, timeoutMs: 300 } },
    observer: { onDiagnosticEvent: ({ stage, code }) => void seen.push(`${stage}/${code}`) },
    autoReconnect: { enabled: true, initialDelayMs: 100, jitterRatio: 0 },
  }));
  await new Promise(setImmediate);
  seen.length = 0;
  const lost = deferred<ConnectionState>();
  manager.subscribe((state) => state.status === "connecting" && (seen.push("state connecting"), lost.resolve(state)));
  const [socket] = sockets[0] ?? assert.fail("no socket");
  socket.tamper = () => undefined;
  clock.advance(1000);
  await new Promise(setImmediate);
  clock.advance(300);
  assert.equal(codeOf(await lost.promise), "yamux/timeout");
  await new Promise(setImmediate);
  assert.deepEqual(seen, ["yamux/liveness_timeout", "state connecting", "close/ws_close_local", "reconnect/reconnect_scheduled"]);
  manager.disconnect();
});
