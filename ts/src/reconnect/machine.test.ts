// The table of cases that every language shares, testdata/reconnect_cases.json, played to the machine.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortError, FlowersecError, type FlowersecErrorCode } from "../base/index.js";
import { readSharedJson } from "../testing/repository.js";
import { WsCloseError } from "../ws/socket.js";
import { YamuxError } from "../yamux/index.js";
import { isDraining, isRetryable } from "./failure.js";
import { ReconnectMachine, type ReconnectIntent } from "./machine.js";
import { checkSettings, reconnectDefaults, reconnectDelayMs, type ReconnectSettings, type SourceKind } from "./settings.js";

type Options = Record<string, number | boolean>;

interface Step {
  at_ms: number;
  do: string;
  attempt?: number;
  code?: string;
  draining?: boolean;
  same?: boolean;
  options?: Options;
  expect: string[];
  wake_ms?: number;
}

interface Row {
  name: string;
  options: Options;
  source: SourceKind;
}

const table = readSharedJson("testdata/reconnect_cases.json") as {
  delays: (Row & { index: number; unit: number; delay_ms: number })[];
  refused: Row[];
  accepted: Row[];
  terminal_codes: string[];
  retryable_codes: string[];
  scripts: (Row & { only?: "cpp" | "ts"; units: number[]; steps: Step[] })[];
};

/** The table's names are snake_case. */
const settingsOf = (options: Options): ReconnectSettings =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    assert.ok(name in reconnectDefaults, name);
    return [name, value];
  }));

const errorOf = (code: string): Error =>
  code === "other" ? new Error("of another kind") : new FlowersecError({ path: "auto", stage: "connect", code: code as FlowersecErrorCode });

function tokenOf(error: unknown): string {
  if (error === undefined) return "ok";
  return error instanceof FlowersecError ? error.code : "other";
}

function describe(machine: ReconnectMachine, intent: ReconnectIntent): string {
  switch (intent.want) {
    case "begin":
      assert.equal(intent.attemptSeq, machine.attemptSeq);
      return `begin ${intent.id} seq ${intent.attemptSeq}`;
    case "publish":
      return `state ${machine.status}${machine.error === undefined ? "" : ` ${tokenOf(machine.error)}`}`;
    case "tell":
      return `event ${intent.code} ${intent.result} ${intent.attemptSeq}`;
    case "answer":
      return `answer ${tokenOf(intent.error)}`;
    default:
      return `${intent.want} ${intent.id}`;
  }
}

function apply(machine: ReconnectMachine, script: Row, step: Step): string[] {
  const { at_ms: now, attempt = NaN, code = "" } = step;
  const settings = settingsOf(step.options ?? script.options);
  const failure = () => ({ error: errorOf(code), draining: step.draining === true });
  const lines: string[] = [];
  const steps: Record<string, () => string | void> = {
    connect: () => machine.connect(settings, script.source),
    connect_if_needed: () => machine.connectIfNeeded(settings, script.source, step.same === true),
    disconnect: () => machine.disconnect(),
    succeed: () => machine.attemptSucceeded(attempt),
    fail: () => machine.attemptFailed(attempt, failure(), now),
    lose: () => machine.sessionLost(attempt, failure(), now),
    close_failed: () => machine.closeFailed(errorOf(code)),
    time: () => machine.advance(now),
  };
  const perform = steps[step.do];
  assert.ok(perform, `unknown step ${step.do}`);
  try {
    const said = perform();
    if (said !== undefined) lines.push(said);
  } catch (error) {
    assert.equal(tokenOf(error), "invalid_option");
    lines.push("refused");
  }
  for (let next = machine.pollIntent(); next !== undefined; next = machine.pollIntent()) lines.push(describe(machine, next));
  return lines;
}

assert.ok(table.scripts.length >= 40);
for (const script of table.scripts.filter(({ only }) => only !== "cpp")) {
  test(`script: ${script.name}`, () => {
    const units = [...script.units];
    const machine = new ReconnectMachine(() => {
      const unit = units.shift();
      assert.ok(unit !== undefined, "drew more numbers than the script has");
      return unit;
    });
    for (const step of script.steps) {
      assert.deepEqual(apply(machine, script, step), step.expect, JSON.stringify(step));
      assert.equal(machine.deadline, step.wake_ms, JSON.stringify(step));
    }
    assert.deepEqual(units, [], "numbers left over");
  });
}

for (const { name, options, index, unit, delay_ms } of table.delays) {
  test(`delay: ${name}`, () => assert.equal(reconnectDelayMs(checkSettings(settingsOf(options), "refreshable"), index, unit), delay_ms));
}

for (const part of ["refused", "accepted"] as const) {
  for (const { name, options, source } of table[part]) {
    test(`${part}: ${name}`, () => {
      const machine = new ReconnectMachine(() => 0.5);
      const connect = () => machine.connect(settingsOf(options), source);
      if (part === "accepted") return connect();
      assert.throws(connect, (error) => tokenOf(error) === "invalid_option");
      assert.equal(machine.status, "disconnected");
      assert.equal(machine.pollIntent(), undefined);
    });
  }
}

test("numbers that are none, and a fraction of an attempt, are refused", () => {
  for (const name of Object.keys(reconnectDefaults).filter((key) => key !== "enabled")) {
    for (const bad of [NaN, Infinity, "1"]) assert.throws(() => checkSettings({ [name]: bad }, "refreshable"), `${name} ${bad}`);
  }
  assert.throws(() => checkSettings({ maxAttempts: 1.5 }, "refreshable"));
  assert.throws(() => checkSettings({ enabled: 1 as never }, "refreshable"));
  assert.deepEqual(checkSettings({ enabled: undefined }, "refreshable"), reconnectDefaults);
});

test("of every code it is known whether another attempt may help", () => {
  for (const code of table.terminal_codes) assert.equal(isRetryable(errorOf(code)), false, code);
  for (const code of table.retryable_codes) assert.equal(isRetryable(errorOf(code)), true, code);
  assert.equal(new Set([...table.terminal_codes, ...table.retryable_codes]).size, table.terminal_codes.length + table.retryable_codes.length);
});

test("canceled is final unless it is a tunnel that says so", () => {
  for (const stage of ["connect", "attach", "handshake", "yamux"] as const) {
    assert.equal(isRetryable(new FlowersecError({ path: "tunnel", stage, code: "canceled" })), stage === "attach", stage);
  }
});

test("an abort is final, whoever made it; what has no code is not, whatever it is", () => {
  for (const abort of [new AbortError(), new DOMException("no", "AbortError")]) assert.equal(isRetryable(abort), false);
  for (const other of [new DOMException("late", "TimeoutError"), "text", undefined, null, 7]) assert.equal(isRetryable(other), true);
  assert.equal(isRetryable(Object.assign(new Error("refused by the control plane"), { code: "invalid_input" })), false);
});

test("a hint is found wherever it is among the causes", () => {
  const under = (cause: unknown) => new FlowersecError({ path: "auto", stage: "close", code: "not_connected", cause: new Error("between", { cause }) });
  for (const code of [1001, 1012, 1013]) assert.equal(isDraining(under(new WsCloseError(code, "draining"))), true, String(code));
  for (const code of [1000, 1005, 1006, 1008, 1011]) assert.equal(isDraining(under(new WsCloseError(code, "draining"))), false, String(code));
  assert.equal(isDraining(under(new YamuxError("go_away"))), true);
  assert.equal(isDraining(under(new YamuxError("transport_closed"))), false);
  assert.equal(isDraining(new AggregateError([new Error("x"), under(new YamuxError("go_away"))])), true);
  const loop = new Error("its own cause");
  loop.cause = loop;
  assert.equal(isDraining(loop), false);
});

test("hurry ends a wait, but not one that spreads a herd", () => {
  const machine = new ReconnectMachine(() => 0.5);
  const settings = { enabled: true, jitterRatio: 0, initialDelayMs: 100, drainSpreadMs: 1000 };
  machine.hurry(0);
  assert.equal(machine.attemptSeq, 0);
  machine.connect(settings, "refreshable");
  machine.hurry(0);
  assert.equal(machine.attemptSeq, 1, "an attempt is under way");
  machine.attemptFailed(1, { error: errorOf("dial_failed"), draining: false }, 0);
  machine.hurry(1);
  assert.equal(machine.attemptSeq, 2);
  machine.attemptFailed(2, { error: errorOf("dial_failed"), draining: true }, 1);
  assert.equal(machine.deadline, 601);
  machine.hurry(600);
  assert.equal(machine.attemptSeq, 2);
  machine.hurry(601);
  assert.equal(machine.attemptSeq, 3);
});

test("attempts that come before their time use up none: whoever toggles a tab still has all of them", () => {
  const machine = new ReconnectMachine(() => 0.5);
  machine.connect({ enabled: true, jitterRatio: 0, initialDelayMs: 100, factor: 2, maxAttempts: 3 }, "refreshable");
  let now = 0;
  const fail = () => machine.attemptFailed(machine.attemptSeq, { error: errorOf("dial_failed"), draining: false }, now);
  fail();
  for (let i = 0; i < 20; i++) {
    machine.hurry(++now);
    assert.equal(machine.attemptSeq, i + 2);
    fail();
    assert.deepEqual([machine.status, machine.deadline], ["connecting", now + 100], "the wait stays as long as it was");
  }
  now += 100;
  machine.hurry(now); // due, and not early
  fail();
  assert.deepEqual([machine.status, machine.deadline], ["connecting", now + 200]);
  now += 200;
  machine.advance(now);
  fail();
  assert.equal(machine.status, "error");
});

test("after a loss the first attempt is the cycle's, early or not", () => {
  const machine = new ReconnectMachine(() => 0.5);
  machine.connect({ enabled: true, jitterRatio: 0, initialDelayMs: 100 }, "refreshable");
  machine.attemptSucceeded(1);
  machine.sessionLost(1, { error: errorOf("not_connected"), draining: false }, 0);
  machine.hurry(1);
  machine.attemptFailed(2, { error: errorOf("dial_failed"), draining: false }, 1);
  machine.hurry(2);
  const told: string[] = [];
  for (let next = machine.pollIntent(); next !== undefined; next = machine.pollIntent()) if (next.want === "tell") told.push(next.code);
  assert.deepEqual(told, ["reconnect_attempt", "reconnect_connected", "reconnect_scheduled", "reconnect_attempt", "reconnect_scheduled", "reconnect_retry_attempt"]);
});
