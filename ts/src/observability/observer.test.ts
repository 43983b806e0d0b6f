import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { watch } from "../testing/world.js";
import { NoopObserver, nowSeconds } from "./noop.js";
import { emitObserverDiagnostic, normalizeObserver, withObserverContext } from "./observer.js";
import type { ClientObserver, ClientObserverLike, DiagnosticEvent } from "./events.js";

/** Everything that was told, in order: a callback's name or an event's code. */
function recorder(): ClientObserverLike & { told: string[]; events: DiagnosticEvent[] } {
  const told: string[] = [];
  const events: DiagnosticEvent[] = [];
  return {
    told,
    events,
    onConnect: (path, result, reason) => void told.push(`onConnect ${path} ${result} ${reason}`),
    onAttach: (result, reason) => void told.push(`onAttach ${result} ${reason}`),
    onHandshake: (path, result, reason) => void told.push(`onHandshake ${path} ${result} ${reason}`),
    onWsClose: (kind, code) => void told.push(`onWsClose ${kind} ${code}`),
    onWsError: (reason) => void told.push(`onWsError ${reason}`),
    onRpcCall: (result) => void told.push(`onRpcCall ${result}`),
    onRpcNotify: () => void told.push("onRpcNotify"),
    onDiagnosticEvent: (event) => {
      watch.look(event);
      told.push(`${event.stage}/${event.code_domain}/${event.code}/${event.result}`);
      events.push(event);
    },
  };
}

const mapping: [string, (to: ClientObserver) => void, string[]][] = [
  ["connect ok", (to) => to.onConnect("direct", "ok", undefined, 1), ["onConnect direct ok undefined", "connect/event/connect_ok/ok"]],
  ["connect error", (to) => to.onConnect("direct", "fail", "websocket_error", 1), ["onConnect direct fail websocket_error", "connect/error/dial_failed/fail"]],
  ["connect closed", (to) => to.onConnect("direct", "fail", "websocket_closed", 1), ["onConnect direct fail websocket_closed", "connect/error/dial_failed/fail"]],
  ["connect timeout", (to) => to.onConnect("direct", "fail", "timeout", 1), ["onConnect direct fail timeout", "connect/error/timeout/fail"]],
  ["connect canceled", (to) => to.onConnect("direct", "fail", "canceled", 1), ["onConnect direct fail canceled", "connect/error/canceled/fail"]],
  ["attach ok", (to) => to.onAttach("ok", undefined), ["onAttach ok undefined", "attach/event/attach_ok/ok"]],
  ["attach not sent", (to) => to.onAttach("fail", "send_failed"), ["onAttach fail send_failed", "attach/error/attach_failed/fail"]],
  ["attach refused", (to) => to.onAttach("fail", "token_replay"), ["onAttach fail token_replay", "attach/error/token_replay/fail"]],
  ["handshake ok", (to) => to.onHandshake("tunnel", "ok", undefined, 1), ["onHandshake tunnel ok undefined", "handshake/event/handshake_ok/ok"]],
  ["handshake failed", (to) => to.onHandshake("tunnel", "fail", undefined, 1), ["onHandshake tunnel fail undefined", "handshake/error/handshake_failed/fail"]],
  ["handshake timeout", (to) => to.onHandshake("tunnel", "fail", "timeout", 1), ["onHandshake tunnel fail timeout", "handshake/error/timeout/fail"]],
  ["closed here", (to) => to.onWsClose("local", 1000), ["onWsClose local 1000", "close/event/ws_close_local/skip"]],
  ["closed there", (to) => to.onWsClose("peer_or_error", 1006), ["onWsClose peer_or_error 1006", "close/event/ws_close_peer_or_error/skip"]],
  ["socket error", (to) => to.onWsError("error"), ["onWsError error", "close/event/ws_error/skip"]],
  ["a call, no event", (to) => to.onRpcCall("ok", 1), ["onRpcCall ok"]],
  ["a notification, no event", (to) => to.onRpcNotify(), ["onRpcNotify"]],
];

for (const [name, happen, expected] of mapping) {
  test(`callback first, then its event: ${name}`, async () => {
    const seen = recorder();
    happen(normalizeObserver(seen));
    assert.deepEqual(seen.told, [], "never from inside the call");
    await turn();
    assert.deepEqual(seen.told, expected);
  });
}

test("events carry the context, and the later value wins", async () => {
  const seen = recorder();
  const first = withObserverContext(seen, { path: "auto", traceId: "trace-0001", attemptSeq: 3 });
  const second = withObserverContext(first, { path: "tunnel", sessionId: "session-1" });
  emitObserverDiagnostic(normalizeObserver(second, { attemptStartMs: nowSeconds() * 1000 - 50 }), {
    stage: "transport", code: "queue_pressure", result: "fail", resource: "websocket_outbound_bytes", current: 3, limit: 2,
  });
  await turn();
  const { elapsed_ms, ...event } = seen.events[0] as DiagnosticEvent;
  assert.deepEqual(event, {
    v: 1, namespace: "connect", path: "tunnel", stage: "transport", code_domain: "event", code: "queue_pressure", result: "fail",
    attempt_seq: 3, trace_id: "trace-0001", session_id: "session-1", resource: "websocket_outbound_bytes", current: 3, limit: 2,
  });
  assert.ok(Number.isInteger(elapsed_ms) && elapsed_ms >= 50);
});

test("a context added to a normalised observer keeps its queue and its order", async () => {
  const seen = recorder();
  const one = normalizeObserver(seen);
  const other = withObserverContext(one, { path: "direct" }) as ClientObserver;
  one.onRpcNotify();
  other.onWsError("error");
  one.onRpcCall("ok", 0);
  await turn();
  assert.deepEqual(seen.told, ["onRpcNotify", "onWsError error", "close/event/ws_error/skip", "onRpcCall ok"]);
  assert.equal(seen.events[0]?.path, "direct");
});

test("normalising twice changes nothing, and nobody is NoopObserver", () => {
  const once = normalizeObserver({ onRpcNotify() {} });
  assert.equal(normalizeObserver(once, { path: "direct" }), once);
  assert.equal(normalizeObserver(undefined), NoopObserver);
  assert.equal(normalizeObserver({}), NoopObserver);
  assert.equal(normalizeObserver(NoopObserver), NoopObserver);
  assert.equal(withObserverContext(undefined, { path: "direct" }), NoopObserver);
});

test("a callback that throws neither stops the event nor what follows", async () => {
  const codes: string[] = [];
  const whole = normalizeObserver({
    onWsError() {
      throw new Error("mine");
    },
    onDiagnosticEvent(event) {
      codes.push(event.code);
      throw new Error("mine too");
    },
  });
  whole.onWsError("error");
  whole.onAttach("ok", undefined);
  await turn();
  assert.deepEqual(codes, ["ws_error", "attach_ok"]);
});

test("200 callbacks while nobody takes them: 64 stay, one overflow event, failures survive", async () => {
  const seen = recorder();
  const whole = normalizeObserver(seen);
  whole.onConnect("direct", "fail", "timeout", 0);
  for (let i = 0; i < 198; i++) whole.onRpcNotify();
  whole.onHandshake("direct", "fail", "canceled", 0);
  await turn();
  const items = seen.told.filter((line) => line.startsWith("on")).length + seen.told.filter((line) => line.includes("diagnostics_overflow")).length;
  assert.ok(items <= 64, `${items} items`);
  assert.equal(seen.told.filter((line) => line === "reconnect/event/diagnostics_overflow/skip").length, 1);
  assert.equal(seen.told[0], "onConnect direct fail timeout");
  assert.equal(seen.told.at(-1), "handshake/error/canceled/fail");
});

test("a queue of failures: a normal newcomer is dropped, another failure takes the oldest one's place", async () => {
  const seen = recorder();
  const whole = normalizeObserver(seen, { maxQueuedItems: 1 }); // 4 is the least
  for (const reason of ["timeout", "canceled", "invalid_token", "token_replay"] as const) whole.onAttach("fail", reason);
  whole.onRpcNotify();
  whole.onAttach("fail", "policy_denied");
  await turn();
  assert.deepEqual(seen.told.filter((line) => line.startsWith("on")),
    ["onAttach fail canceled", "onAttach fail invalid_token", "onAttach fail token_replay", "onAttach fail policy_denied"]);
});

test("one item a microtask: what an item starts comes between it and the next", async () => {
  const order: string[] = [];
  const whole = normalizeObserver({
    onRpcNotify() {
      order.push("told");
      queueMicrotask(() => order.push("started by it"));
    },
  });
  whole.onRpcNotify();
  whole.onRpcNotify();
  await turn();
  assert.deepEqual(order, ["told", "started by it", "told", "started by it"]);
});

test("an observer that is an object with secrets of its own keeps its this", async () => {
  class Counter implements ClientObserverLike {
    #notifications = 0;
    onRpcNotify() {
      this.#notifications++;
    }
    get notifications() {
      return this.#notifications;
    }
  }
  const counter = new Counter();
  normalizeObserver(withObserverContext(counter, { path: "direct" })).onRpcNotify();
  await turn();
  assert.equal(counter.notifications, 1);
});

test("a callback that is async and rejects disturbs nothing, and its event is told", async () => {
  const codes: string[] = [];
  const whole = normalizeObserver({
    onWsError: async () => { throw new Error("mine"); },
    onDiagnosticEvent: async ({ code }) => {
      codes.push(code);
      throw new Error("mine too");
    },
  });
  for (let i = 0; i < 70; i++) whole.onWsError("error");
  await turn();
  assert.deepEqual([codes.length, new Set(codes)], [64, new Set(["diagnostics_overflow", "ws_error"])]);
});

for (const maxQueuedItems of [NaN, Infinity, -Infinity]) {
  test(`a queue of ${maxQueuedItems} items is one of the usual length`, async () => {
    const seen = recorder();
    const whole = normalizeObserver(seen, { maxQueuedItems });
    for (let i = 0; i < 200; i++) whole.onRpcNotify();
    await turn();
    assert.equal(seen.told.length, 64);
    assert.equal(seen.told.filter((line) => line === "reconnect/event/diagnostics_overflow/skip").length, 1);
  });
}
