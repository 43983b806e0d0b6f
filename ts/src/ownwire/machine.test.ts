import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnwireError } from "./error.js";
import type { GatewayFrame } from "./frames.js";
import { ChatMachine, type ChatIntent, type ChatSettings } from "./machine.js";
import { decodeSaved, encodeSaved, type SavedChat } from "./saved.js";

const settings: ChatSettings = { metadata: undefined, auth: undefined, reconnect: { enabled: true, jitterRatio: 0 }, maxQueue: 100, saved: undefined };
const welcome = (change: object = {}): GatewayFrame => ({
  type: "welcome", sessionId: "s1", resumeToken: "t1", resumed: false, lastId: 0, maxContentBytes: 65_536, ...change,
});

/** A machine, the time, and what it has wanted since it was last asked. */
class Script {
  readonly machine: ChatMachine;
  now = 0;
  attempt = 0;
  constructor(change: Partial<ChatSettings> = {}) {
    this.machine = new ChatMachine({ ...settings, ...change }, () => 0.5);
  }

  /** In words; saves are left out. */
  wanted(): string[] {
    const words: string[] = [];
    for (let next = this.machine.pollIntent(); next !== undefined; next = this.machine.pollIntent()) {
      if (next.want === "dial") this.attempt = next.attempt;
      if (next.want !== "save") words.push(said(next));
    }
    return words;
  }
  send(text = "x"): number {
    return this.machine.send(text, text.length, this.now);
  }
  opened(change: object = {}): this {
    this.machine.connect();
    this.wanted();
    this.machine.opened(this.attempt, this.now);
    this.frame(welcome(change));
    this.wanted();
    return this;
  }
  frame(frame: GatewayFrame): void {
    this.machine.frame(this.attempt, frame, this.now);
  }
  lose(draining = false): void {
    this.machine.lost(this.attempt, new OwnwireError("connection_lost"), draining, this.now);
  }
  /** Goes on to the next deadline. */
  step(): string[] {
    assert.ok(this.machine.deadline !== undefined);
    this.now = Math.max(this.now, this.machine.deadline);
    this.machine.advance(this.now);
    return this.wanted();
  }
}

function said(intent: ChatIntent): string {
  switch (intent.want) {
    case "send": {
      const { frame } = intent;
      return `say ${frame.type}${frame.type === "message" ? ` ${frame.id}` : frame.type === "received" ? ` ${frame.seq}` : ""}`;
    }
    case "delivery":
      return `${intent.id} ${intent.status}`;
    case "state":
      return intent.state;
    case "error":
      return `error ${intent.error.code}`;
    case "close":
    case "answer":
      return `${intent.want} ${intent.error?.code ?? "ok"}`;
    default:
      return intent.want;
  }
}

test("nothing is said before the hello, and no text before the welcome", () => {
  const script = new Script();
  script.send();
  assert.deepEqual(script.wanted(), ["1 queued"]);
  script.machine.connect();
  script.machine.connect();
  assert.deepEqual(script.wanted(), ["dial", "connecting"]);
  script.machine.typing(true);
  script.machine.opened(script.attempt, 0);
  assert.deepEqual(script.wanted(), ["say hello"]);
  script.frame({ type: "unknown" });
  script.frame(welcome());
  assert.deepEqual(script.wanted(), ["open", "open", "answer ok", "say message 1", "1 sent"]);
});

test("the numbers of texts are kept before they are used", () => {
  const script = new Script().opened();
  script.send("a");
  const intents: ChatIntent[] = [];
  for (let next = script.machine.pollIntent(); next !== undefined; next = script.machine.pollIntent()) intents.push(next);
  const saved = intents.map(({ want }) => want).lastIndexOf("save");
  assert.ok(saved >= 0 && saved < intents.findIndex(({ want }) => want === "send"));
  assert.deepEqual(decodeSaved((intents[saved] as { text: string }).text)?.texts, [{ id: 1, wireId: 1, content: "a" }]);
});

test("ten texts leave at once, then one every 525 ms, in order", () => {
  const script = new Script().opened();
  for (let i = 0; i < 13; i++) script.send();
  assert.equal(script.wanted().filter((each) => each.startsWith("say")).length, 10);
  for (let id = 1; id <= 10; id++) script.frame({ type: "ack", id });
  script.wanted();
  assert.equal(script.machine.deadline, 525);
  for (const [i, ms] of [525, 1050, 1575].entries()) {
    assert.deepEqual(script.step(), [`say message ${11 + i}`, `${11 + i} sent`]);
    assert.equal(script.now, ms);
  }
});

test("texts that the gateway has taken already are sent again without a wait, and are waited for without end", () => {
  const script = new Script().opened();
  for (let i = 0; i < 10; i++) script.send();
  script.wanted();
  script.lose();
  script.step();
  script.machine.opened(script.attempt, script.now);
  script.frame(welcome({ resumed: true, lastId: 9 }));
  const again = script.wanted().filter((each) => each.startsWith("say message"));
  assert.deepEqual(again.slice(0, 9), Array.from({ length: 9 }, (_, i) => `say message ${i + 1}`));
  while (!again.includes("say message 10")) again.push(...script.step());
  script.frame({ type: "ack", id: 10 });
  script.wanted();
  assert.equal(script.machine.deadline, undefined);
  script.now += 100_000;
  script.frame({ type: "ack", id: 3 });
  assert.deepEqual(script.wanted(), ["3 delivered"]);
});

test("an acknowledgement may take 10 s and not longer; that of an earlier text does not help a later one", () => {
  const script = new Script().opened();
  script.send("a");
  script.now = 4_000;
  script.send("b");
  script.now = 9_999;
  script.machine.advance(script.now);
  script.frame({ type: "ack", id: 1 });
  script.wanted();
  assert.equal(script.machine.deadline, 14_000);
  assert.deepEqual(script.step(), ["drop", "2 queued", "error ack_timeout", "drop", "reconnecting"]);
});

test("waits grow, five attempts are made, and then everything that was not acknowledged has failed", () => {
  const script = new Script();
  script.machine.connect();
  script.send();
  script.wanted();
  const waits: number[] = [];
  let last: string[] = [];
  for (let i = 0; i < 5; i++) {
    const before = script.now;
    script.lose();
    last = script.wanted();
    if (i < 4) script.step();
    waits.push(script.now - before);
  }
  assert.deepEqual(waits, [500, 900, 1620, 2916, 0]);
  assert.deepEqual(last, ["drop", "closed", "1 failed", "error connection_lost", "close connection_lost", "answer connection_lost"]);
  assert.throws(() => script.send(), { code: "closed" });
  script.machine.connect();
  assert.deepEqual(script.wanted(), ["dial", "connecting"]);
});

test("after a session the attempts are counted anew, and a gateway that leaves is given time", () => {
  const script = new Script().opened();
  script.lose(true);
  script.wanted();
  assert.equal(script.machine.deadline, 500 + 5_000);
  for (let i = 0; i < 4; i++) {
    script.step();
    script.lose();
  }
  assert.equal(script.machine.state, "reconnecting");
});

test("without a network no attempt begins; with one again it begins at once", () => {
  const script = new Script().opened();
  script.lose();
  script.wanted();
  script.machine.online = false;
  assert.equal(script.machine.deadline, undefined);
  script.machine.advance(100_000);
  assert.deepEqual(script.wanted(), []);
  script.machine.online = true;
  script.machine.hurry(100_001);
  assert.deepEqual(script.wanted(), ["dial"]);
});

test("whatever an old connection still says changes nothing", () => {
  const script = new Script().opened();
  const old = script.attempt;
  script.lose();
  script.step();
  script.machine.opened(script.attempt, script.now);
  script.wanted();
  script.machine.frame(old, welcome(), script.now);
  script.machine.frame(old, { type: "error", code: "session_taken", fatal: true }, script.now);
  script.machine.lost(old, new OwnwireError("connection_lost"), false, script.now);
  script.machine.opened(old, script.now);
  assert.deepEqual(script.wanted(), ["drop"]);
  script.frame(welcome({ resumed: true }));
  assert.equal(script.machine.state, "open");
});

test("close() at every stage ends in closed, once, and nothing is kept", () => {
  const stages: [string, (script: Script) => unknown][] = [
    ["idle", () => {}], ["dialing", (script) => script.machine.connect()], ["open", (script) => script.opened()], ["lost", (script) => script.opened().lose()],
  ];
  for (const [name, reach] of stages) {
    const script = new Script();
    reach(script);
    script.wanted();
    script.machine.close();
    const intents: ChatIntent[] = [];
    for (let next = script.machine.pollIntent(); next !== undefined; next = script.machine.pollIntent()) intents.push(next);
    assert.equal(script.machine.state, "closed", name);
    assert.equal(intents.filter(({ want }) => want === "close").length, 1, name);
    assert.deepEqual(intents.filter(({ want }) => want === "save"), [{ want: "save", text: null }], name);
    assert.equal(intents.some(({ want }) => want === "leave"), name === "open", name);
    script.machine.close();
    assert.deepEqual(script.wanted(), [], name);
    script.opened();
    assert.equal(script.machine.state, "open", name);
  }
});

test("a bye ends the token: the next connect() is a session of its own, numbered from 1", () => {
  const script = new Script().opened();
  script.send();
  script.machine.close();
  script.wanted();
  script.machine.connect();
  script.wanted();
  script.machine.opened(script.attempt, 0);
  const hello = script.machine.pollIntent();
  assert.ok(hello?.want === "send" && hello.frame.type === "hello" && hello.frame.resume === undefined);
  script.frame(welcome());
  assert.equal(script.send(), 2);
  assert.ok(script.wanted().includes("say message 1"));
});

test("answers about texts that are settled, or were never sent, say nothing", () => {
  const script = new Script().opened();
  script.send();
  script.frame({ type: "ack", id: 1 });
  script.wanted();
  for (const frame of [{ type: "ack", id: 1 }, { type: "ack", id: 7 }, { type: "error", code: "rate_limited", id: 1, fatal: false }] as const) script.frame(frame);
  assert.deepEqual(script.wanted(), []);
});

test("a fatal error that would come again is the end; others are tried again", () => {
  for (const code of ["session_taken", "invalid_frame", "metadata_too_large", "content_too_large"] as const) {
    const script = new Script().opened();
    script.frame({ type: "error", code, fatal: true });
    assert.equal(script.machine.state, "closed", code);
  }
  for (const code of ["shutting_down", "rate_limited", "other", "backend_unavailable"] as const) {
    const script = new Script().opened();
    script.frame({ type: "error", code, fatal: true });
    assert.equal(script.machine.state, "reconnecting", code);
  }
});

test("what was saved comes back as it was; anything else is nothing", () => {
  const saved: SavedChat = { resumeToken: "t", sessionId: "s", lastSeq: 3, lastId: 5, lastWireId: 4, texts: [{ id: 2, wireId: 2, content: "a" }, { id: 5, wireId: undefined, content: "" }] };
  assert.deepEqual(decodeSaved(encodeSaved(saved)), saved);
  const text = encodeSaved(saved);
  for (let length = 0; length < text.length; length++) assert.equal(decodeSaved(text.slice(0, length)), undefined);
  const changed = (change: object) => JSON.stringify({ ...(JSON.parse(text) as object), ...change });
  for (const change of [
    { v: 2 }, { resumeToken: 1 }, { sessionId: null }, { lastSeq: -1 }, { lastId: 1.5 }, { lastWireId: "4" }, { texts: {} }, { texts: [null] }, { lastId: 4 }, { lastWireId: 1 },
    { texts: [{ id: 0, content: "" }] }, { texts: [{ id: 1, content: 1 }] }, { texts: [{ id: 2, content: "" }, { id: 2, content: "" }] }, { texts: [{ id: 1, wireId: 0, content: "" }] },
  ]) assert.equal(decodeSaved(changed(change)), undefined, JSON.stringify(change));
  for (const other of [null, undefined, "", "null", "1", "[]", "{}"]) assert.equal(decodeSaved(other), undefined);
});
