// Chats over connections that break at any moment, with a gateway that keeps its rules, forgets, or says anything at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnwireError } from "./error.js";
import { decodeGatewayFrame, type GatewayFrame, type UserFrame } from "./frames.js";
import { ChatMachine, type ChatIntent } from "./machine.js";
import { decodeSaved } from "./saved.js";

/** Numbers in 0..1 that a seed repeats. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** A gateway by the book: one user, sessions by token, each id once. */
class Gateway {
  /** What the backend got: session and text. */
  readonly delivered: [session: number, content: string][] = [];
  private sessions = 0;
  private session: { no: number; lastId: number; token: string; shown: string; seq: number; kept: [number, string][] } | undefined;
  private tokens = 0;

  forget(): void {
    this.session = undefined;
  }

  hear(frame: UserFrame): GatewayFrame[] {
    const { session } = this;
    if (session !== undefined && frame.type !== "hello") session.shown = "";
    switch (frame.type) {
      case "hello": {
        const resumed = session !== undefined && frame.resume !== undefined && [session.token, session.shown].includes(frame.resume);
        const lost: GatewayFrame[] = frame.resume !== undefined && !resumed ? [{ type: "error", code: "session_unknown", fatal: false }] : [];
        const now = resumed ? session : { no: ++this.sessions, lastId: 0, token: "", shown: "", seq: 0, kept: [] };
        // The token that was shown works until we hear that the new one arrived.
        now.shown = resumed ? (frame.resume as string) : "";
        now.token = `t${++this.tokens}`;
        this.session = now;
        const welcome: GatewayFrame = { type: "welcome", sessionId: `s${now.no}`, resumeToken: now.token, resumed, lastId: now.lastId, maxContentBytes: 65_536 };
        return [...lost, welcome, ...now.kept.map(([seq, content]) => ({ type: "message", seq, content }) as const)];
      }
      case "message":
        assert.ok(session !== undefined);
        if (frame.id > session.lastId) {
          assert.equal(frame.id, session.lastId + 1, "ids have no gaps");
          session.lastId = frame.id;
          this.delivered.push([session.no, frame.content]);
        }
        return [{ type: "ack", id: frame.id }];
      case "received":
        if (session !== undefined) session.kept = session.kept.filter(([seq]) => seq > frame.seq);
        return [];
      default:
        return [];
    }
  }

  reply(): GatewayFrame[] {
    const { session } = this;
    if (session === undefined || session.kept.length >= 64) return [];
    session.kept.push([++session.seq, `r${session.no}.${session.seq}`]);
    return [{ type: "message", seq: session.seq, content: `r${session.no}.${session.seq}` }];
  }
}

/** A run of `steps`; cuts lose whatever is under way, in either direction. */
function run(seed: number, steps: number, mayForget: boolean) {
  const unit = random(seed);
  const gateway = new Gateway();
  const settings = { metadata: undefined, auth: undefined, reconnect: { enabled: true, maxAttempts: 1_000_000 }, maxQueue: 50 };
  let saved: string | null = null;
  let machine = new ChatMachine({ ...settings, saved: undefined }, unit);
  let [now, attempt] = [0, 0];
  let dialing = false;
  let up: UserFrame[] = [];
  let down: GatewayFrame[] = [];
  const [sent, settled, heard]: [string[], Map<number, string>, string[]] = [[], new Map(), []];
  const take = (intent: ChatIntent) => {
    switch (intent.want) {
      case "dial":
        [attempt, dialing] = [intent.attempt, true];
        return;
      case "drop":
        if (intent.attempt === attempt) [up, down, dialing] = [[], [], false];
        return;
      case "send":
        if (intent.attempt === attempt) up.push(intent.frame);
        return;
      case "save":
        saved = intent.text;
        return;
      case "message":
        heard.push(intent.content);
        return;
      case "delivery":
        if (intent.status !== "delivered" && intent.status !== "failed") return assert.equal(settled.has(intent.id), false, "after its end");
        assert.equal(settled.has(intent.id), false, "settled twice");
        settled.set(intent.id, intent.status);
    }
  };
  const settle = () => {
    for (let next = machine.pollIntent(); next !== undefined; next = machine.pollIntent()) take(next);
  };
  const cut = () => {
    if (attempt > 0) machine.lost(attempt, new OwnwireError("connection_lost"), false, now);
  };
  const step = (isQuiet: boolean) => {
    const dice = isQuiet ? 1 : unit();
    now += Math.floor(unit() * 300);
    if (dice < 0.15 && machine.pending.length < 50) sent.push(`${machine.send(`text ${sent.length + 1}`, 9, now)}`);
    else if (dice < 0.2) cut();
    else if (dice < 0.25 && mayForget) {
      gateway.forget();
      cut();
    } else if (dice < 0.3) down.push(...(up.length === 0 && machine.state === "open" ? gateway.reply() : []));
    else if (dice < 0.32 && saved !== null && machine.state === "open") {
      // The page is left without a word, and the next one goes on with what was saved.
      const known = decodeSaved(saved);
      assert.ok(known !== undefined);
      machine = new ChatMachine({ ...settings, saved: known }, unit);
      [attempt, dialing, up, down] = [0, false, [], []];
      machine.connect();
    } else if (dialing && unit() < 0.7) {
      dialing = false;
      machine.opened(attempt, now);
    } else if (up.length > 0 && unit() < 0.6) {
      const frame = up.shift() as UserFrame;
      down.push(...gateway.hear(frame));
    } else if (down.length > 0) machine.frame(attempt, down.shift() as GatewayFrame, now);
    settle();
    if (now >= (machine.deadline ?? Infinity)) machine.advance(now);
    settle();
  };
  machine.connect();
  settle();
  for (let i = 0; i < steps; i++) step(false);
  for (let i = 0; i < 20_000 && machine.pending.length > 0; i++) step(true);
  return { gateway, sent, settled, heard, machine };
}

test("whatever breaks, every text arrives once and in order while the gateway remembers, and is acknowledged once", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { gateway, sent, settled, heard } = run(seed, 600, false);
    assert.deepEqual(gateway.delivered.map(([, content]) => content), sent.map((_, i) => `text ${i + 1}`), `seed ${seed}`);
    assert.deepEqual([...settled.values()].filter((each) => each !== "delivered"), [], `seed ${seed}`);
    assert.equal(settled.size, sent.length, `seed ${seed}`);
    assert.deepEqual(heard, [...new Set(heard)], `seed ${seed}: a reply twice`);
  }
});

test("a gateway that forgets sessions gets every text that it had not acknowledged, in order; none is lost", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { gateway, sent, settled } = run(seed, 600, true);
    const arrived = gateway.delivered.map(([, content]) => Number(content.slice(5)));
    assert.deepEqual([...new Set(arrived)].sort((a, b) => a - b), sent.map((_, i) => i + 1), `seed ${seed}`);
    assert.equal(settled.size, sent.length, `seed ${seed}`);
    for (const session of new Set(gateway.delivered.map(([no]) => no))) {
      const own = gateway.delivered.filter(([no]) => no === session).map(([, content]) => Number(content.slice(5)));
      assert.deepEqual(own, [...new Set(own)].sort((a, b) => a - b), `seed ${seed}: out of order`);
    }
  }
});

test("a gateway that says anything at all at any time is answered with a named error or nothing, and the machine goes on", () => {
  const pieces = ["welcome", "ack", "message", "typing", "error", "later", "", null, 1, 0, -1, 2 ** 53, 1.5, true, {}, [], "x".repeat(2_000)];
  for (let seed = 1; seed <= 60; seed++) {
    const unit = random(seed);
    const pick = <T>(from: readonly T[]) => from[Math.floor(unit() * from.length)] as T;
    const machine = new ChatMachine({ metadata: undefined, auth: undefined, reconnect: { enabled: true, maxAttempts: 1_000_000 }, maxQueue: 1000, saved: undefined }, unit);
    let [now, attempt] = [0, 0];
    const codes = new Set<string>();
    machine.connect();
    for (let i = 0; i < 300; i++) {
      now += Math.floor(unit() * 1000);
      for (let next = machine.pollIntent(); next !== undefined; next = machine.pollIntent()) {
        if (next.want === "dial") machine.opened((attempt = next.attempt), now);
        if (next.want === "error") codes.add(next.error.code);
      }
      const members: Record<string, unknown> = { type: pick(["welcome", "ack", "message", "typing", "error"]), v: 1, limits: { max_content_bytes: 10 } };
      for (const name of ["session_id", "resume_token", "resumed", "last_id", "id", "seq", "content", "on", "code", "fatal"]) {
        members[name] = unit() < 0.85 ? { session_id: "s", resume_token: "t", resumed: unit() < 0.5, last_id: 5, id: 1 + Math.floor(unit() * 4), seq: Math.floor(unit() * 9), content: "c", on: true, code: pick(["rate_limited", "session_unknown", "shutting_down", "odd"]), fatal: unit() < 0.2 }[name] : pick(pieces);
      }
      const frame = decodeGatewayFrame(JSON.stringify(members));
      if (frame === undefined) machine.lost(attempt, new OwnwireError("invalid_frame"), false, now);
      else machine.frame(attempt, frame, now);
      if (machine.state === "closed") machine.connect();
      else if (unit() < 0.3) machine.send("x", 1, now);
      if (now >= (machine.deadline ?? Infinity)) machine.advance(now);
    }
    assert.ok([...codes].every((code) => ["invalid_frame", "rate_limited", "session_unknown", "shutting_down", "other", "ack_timeout", "connect_timeout"].includes(code)), [...codes].join());
  }
});
