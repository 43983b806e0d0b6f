// An endpoint that stays registered: what it does with grants, refusals and its own end.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { deferred, FlowersecError, type Deferred } from "../base/index.js";
import type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import type { Client, Session } from "../session/index.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { ManualClock } from "../testing/manual_clock.js";
import { FakeClient, errorOf } from "../testing/reconnect_world.js";
import { fails, info, origin, watch } from "../testing/world.js";
import { serveEndpointThrough, type ServeEndpointOptions } from "./serve_endpoint.js";

const grant = {
  tunnel_url: "wss://tunnel.example/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 60, role: 2 as const, token: "t", e2ee_psk_b64u: "p",
  allowed_suites: [1 as const], default_suite: 1 as const,
};

class FakeSession {
  closes = 0;
  readonly served = deferred<void>();
  close() {
    this.closes++;
    this.served.resolve();
  }
}

/** `answers`: what each control connection does; undefined registers. */
function world(answers: (Error | { code: number } | undefined)[] = [], more: Partial<ServeEndpointOptions> = {}) {
  const clock = new ManualClock();
  const stop = new CountedAbort();
  const controls: FakeClient[] = [];
  const dialled: string[] = [];
  const attaches: (Deferred<FakeSession> & { grant: ChannelInitGrant })[] = [];
  const told: string[] = [];
  const registered: unknown[] = [];
  let grantsHeardAtRegister = false;
  const connectControl = async () => {
    dialled.push("control");
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    const control = new FakeClient();
    controls.push(control);
    control.rpc.call = (async (typeId: number, payload: { endpoint_id: unknown }) => {
      registered.push(payload.endpoint_id);
      grantsHeardAtRegister = control.rpc.listening === 1;
      assert.equal(typeId, 1001);
      return answer === undefined ? { payload: { ok: true } } : { payload: null, error: { code: answer.code, message: "no" } };
    }) as never;
    return control as unknown as Client;
  };
  const attach = (given: ChannelInitGrant, { signal }: { signal?: AbortSignal | undefined }) => {
    const one = { ...deferred<FakeSession>(), grant: given };
    attaches.push(one);
    signal?.addEventListener("abort", () => one.reject(new Error("aborted")));
    return one.promise as unknown as Promise<Session>;
  };
  const over = serveEndpointThrough({ connectControl, attach: attach as never }, {
    credential: info, endpointId: "server-1", dial: { origin, clock }, signal: stop.signal,
    serve: (session) => (session as unknown as FakeSession).served.promise,
    onRegistered: (lost) => void (watch.look(lost), told.push(lost === undefined ? "registered" : "lost")),
    onClientFailed: (error) => void (watch.look(error), told.push(`failed: ${(error as Error).message}`)),
    onGrantDropped: () => void told.push("dropped"),
    ...more,
  }).catch((error: unknown) => {
    watch.look(error);
    throw error;
  });
  over.catch(() => {});
  const announce = (payload: unknown = grant) => controls.at(-1)?.rpc.handlers.get(1002)?.forEach((hear) => hear(payload));
  return { clock, stop, controls, dialled, attaches, registered, told, over, announce, heardFirst: () => grantsHeardAtRegister };
}

test("it listens for grants, registers, meets clients, and closes everything when told to end", async () => {
  const { stop, controls, attaches, told, over, announce, heardFirst, clock } = world();
  await turn();
  assert.equal(heardFirst(), true);
  assert.deepEqual(told, ["registered"]);
  announce();
  announce();
  for (const none of [null, "text", { ...grant, role: 1 }, { ...grant, token: 5 }]) announce(none);
  assert.equal(attaches.length, 2);
  const session = new FakeSession();
  attaches[0]?.resolve(session);
  await turn();
  stop.abort();
  await over;
  assert.deepEqual([session.closes > 0, controls[0]?.closes, stop.listeners, clock.pending], [true, 1, 0, 0]);
  assert.deepEqual(told, ["registered"], "what is given up at the end is no failure");
  announce();
  assert.equal(attaches.length, 2);
});

test("any number of clients, on their way and served, listens to no signal together, and all end with it", async () => {
  const { stop, attaches, over, announce, told } = world();
  const warnings: string[] = [];
  const hear = ({ name, message }: Error) => void warnings.push(`${name}: ${message}`);
  process.on("warning", hear);
  await turn();
  const sessions = Array.from({ length: 24 }, () => new FakeSession());
  for (const _ of sessions) announce();
  await turn();
  sessions.slice(0, 12).forEach((session, i) => attaches[i]?.resolve(session));
  await turn();
  const [left] = sessions;
  left?.served.resolve();
  await turn();
  assert.equal(left?.closes, 1);
  sessions.slice(12, 14).forEach((session, i) => attaches[12 + i]?.resolve(session)); // too late to be served
  stop.abort();
  await over;
  await turn();
  process.off("warning", hear);
  assert.deepEqual(warnings, []);
  assert.deepEqual(sessions.map(({ closes }) => closes > 0), sessions.map((_, i) => i < 14));
  assert.deepEqual(told, ["registered"]);
});

test("so many sessions, so many grants that wait, and one more is dropped", async () => {
  const { stop, attaches, told, over, announce } = world([], { maxSessions: 2 });
  await turn();
  for (let i = 0; i < 2 + 16; i++) announce({ ...grant, channel_id: `c${i}` });
  assert.deepEqual([attaches.length, told], [2, ["registered"]]);
  announce();
  assert.deepEqual(told, ["registered", "dropped"]);
  attaches[0]?.reject(new Error("nobody"));
  await turn();
  assert.deepEqual([attaches.length, attaches[2]?.grant.channel_id], [3, "c2"], "the oldest first");
  announce();
  assert.deepEqual(told, ["registered", "dropped", "failed: nobody"], "there is room for one more");
  const session = new FakeSession();
  attaches[1]?.resolve(session);
  await turn();
  session.served.resolve();
  await turn();
  assert.equal(session.closes, 1, "served, and closed");
  assert.equal(attaches.length, 4);
  stop.abort();
  await over;
  assert.equal(attaches.length, 4, "nothing is begun at the end");
});

test("refused handshakes are no end: it goes on at the longest wait, and comes back", async () => {
  const refused = new FlowersecError({ path: "direct", stage: "handshake", code: "handshake_failed" });
  const { clock, stop, dialled, told, over } = world(Array.from({ length: 12 }, () => refused), { autoReconnect: { jitterRatio: 0 } });
  for (let i = 0; i < 12; i++) {
    await turn();
    assert.equal(dialled.length, i + 1);
    clock.advance(10_000);
  }
  await turn();
  assert.deepEqual(told, [...Array.from({ length: 12 }, () => "lost"), "registered"], "told of each refusal");
  stop.abort();
  await over;
});

for (const [code, text] of [[403, "the credential is not for this endpoint id, or was revoked"], [400, "the control plane cannot use this endpoint id"]] as const) {
  test(`an answer of ${code} is the end`, async () => {
    const { over, controls, stop, dialled, clock } = world([{ code }]);
    await assert.rejects(over, (error) => {
      assert.ok(error instanceof FlowersecError && error.code === "invalid_input");
      assert.equal((error.cause as Error).message, text);
      return true;
    });
    assert.deepEqual([dialled.length, controls[0]?.closes, stop.listeners, clock.pending], [1, 1, 0, 0]);
  });
}

test("any other answer is not, and a loss touches no session", async () => {
  const { clock, controls, told, attaches, announce, stop, over } = world([{ code: 500 }], { autoReconnect: { jitterRatio: 0 } });
  await turn();
  clock.advance(500);
  await turn();
  assert.deepEqual(told, ["registered"]);
  announce();
  const session = new FakeSession();
  attaches[0]?.resolve(session);
  await turn();
  controls.at(-1)?.end.resolve(errorOf("not_connected"));
  await turn();
  assert.deepEqual([told, session.closes], [["registered", "lost"], 0]);
  clock.advance(500);
  await turn();
  assert.deepEqual(told, ["registered", "lost", "registered"]);
  stop.abort();
  await over;
  assert.ok(session.closes > 0);
});

const senseless: [string, Partial<Record<keyof ServeEndpointOptions, unknown>>, string][] = [
  ["no dialling at all", { dial: undefined }, "direct/validate/missing_origin"],
  ["no origin", { dial: {} }, "direct/validate/missing_origin"],
  ["a blank origin", { dial: { origin: " " } }, "direct/validate/missing_origin"],
  ["a time-out that is none", { dial: { origin, connectTimeoutMs: -1 } }, "direct/validate/invalid_option"],
  ["no id", { endpointId: undefined }, "direct/validate/invalid_option"],
  ["a blank id", { endpointId: " \u0085" }, "direct/validate/invalid_option"],
  ["an id of 257 bytes", { endpointId: "x".repeat(257) }, "direct/validate/invalid_option"],
  ["an id that is no text", { endpointId: "a\ud800" }, "direct/validate/invalid_option"],
  ["nothing that serves", { serve: undefined }, "direct/validate/invalid_option"],
  ["a callback that is none", { onRegistered: "log" }, "direct/validate/invalid_option"],
  ["no room", { maxSessions: 0 }, "direct/validate/invalid_option"],
  ["a bad option for tunnels", { attach: { handshakeClockSkewMs: NaN } }, "tunnel/validate/invalid_option"],
  ["another one", { attach: { handshakeTimeoutMs: "10s" } }, "tunnel/validate/invalid_option"],
  ["no credential", { credential: undefined }, "direct/validate/missing_connect_info"],
  ["a credential without a channel", { credential: { ...info, channel_id: " " } }, "direct/validate/missing_channel_id"],
  ["a key of another length", { credential: { ...info, e2ee_psk_b64u: "AAAA" } }, "direct/validate/invalid_psk"],
  ["a credential in another form", { credential: { ...info, ws_url: 5 } }, "direct/validate/invalid_input"],
];
for (const [name, options, expected] of senseless) {
  test(`refused at the start: ${name}`, async () => {
    const { over, dialled, clock, stop } = world([], options as Partial<ServeEndpointOptions>);
    await assert.rejects(over, fails(expected));
    assert.deepEqual([dialled.length, clock.pending, stop.listeners], [0, 0, 0]);
  });
}

test("the longest id there is registers, trimmed", async () => {
  const { over, told, registered, stop } = world([], { endpointId: ` ${"x".repeat(256)} ` });
  await turn();
  assert.deepEqual([told, registered], [["registered"], ["x".repeat(256)]]);
  stop.abort();
  await over;
});

test("settings that make no sense, and a signal that has fired", async () => {
  await assert.rejects(world([], { autoReconnect: { factor: 0 } }).over, { stage: "validate", code: "invalid_option" });
  const { over, dialled } = world([], { signal: AbortSignal.abort() });
  await over;
  assert.equal(dialled.length, 0);
});
