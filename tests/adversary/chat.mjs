// Chat clients, and a gateway that is hostile to them: the sealed opening, the session, the stream, and what is said on it. PROTOCOL, "OwnWire, chat stream".
import { once } from "node:events";
import { createServer } from "node:net";
import { filled } from "./cases.mjs";
import { arrivals, Connection, within } from "./connection.mjs";
import { Talker } from "./gateways.mjs";
import { objectText } from "./json_text.mjs";
import { Party } from "./party.mjs";
import { against, bringTo, clientStates, dropAll } from "./play.mjs";
import { kidOf, unseal } from "./sealed.mjs";
import { troupeOf } from "./shims.mjs";
import { doAll } from "./steps.mjs";
import { fresh, jsonFrame, x25519Pair, yamuxTypes } from "./wire.mjs";

const b64u = (bytes) => Buffer.from(bytes).toString("base64url");
/** Of the replies by which a client shows that it is alive: whatever a case says is below. */
const lastSeq = 9_000_000_000_000_000;
const lastWords = "still there";

/** What a gateway remembers of a client from one connection to the next. */
const memoryOf = () => ({ sessions: 0, lastId: 0, session: undefined, token: undefined });

/** The other side of a chat client. */
class ChatGateway extends Party {
  extra = [];
  filled = Talker.prototype.filled;
  constructor(socket, shim, { memory, pinned }) {
    super("server", new Connection(socket, false));
    Object.assign(this, { shim, memory, pinned: pinned ?? shim.pair.bytes });
  }
  get names() {
    const { session, token } = this.memory;
    return { session, token };
  }

  /** Who has another key than the one that is pinned guesses. */
  async takeOpen() {
    const frame = await this.connection.frame();
    if (frame?.op !== 1 || frame.payload.length > 4_096) throw new Error(`no open message: opcode ${frame?.op}, ${frame?.payload.length} bytes`);
    const { v, type, channel_id, kid, suite, sealed_psk_b64u } = JSON.parse(frame.payload);
    if (v !== 1 || type !== "ownwire_open" || suite !== 1 || kid !== kidOf(this.pinned)) throw new Error(`the open message is ${frame.payload}`);
    const isOurs = this.pinned === this.shim.pair.bytes;
    const psk = isOurs ? unseal(this.shim.pair, channel_id, Buffer.from(sealed_psk_b64u, "base64url")) : Buffer.alloc(32);
    this.knows({ channel_id, e2ee_psk_b64u: b64u(psk), default_suite: suite });
  }

  /** In C++ a session has a stream of calls first, which a gateway resets. */
  async takeHello() {
    let { kind } = await this.takeJson((this.stream = 1));
    if (kind === "rpc") {
      this.yamux({ type: "window", flags: ["rst"], id: 1 });
      ({ kind } = await this.takeJson((this.stream = 3)));
    }
    const { type, v, resume } = await this.takeJson(this.stream);
    if (kind !== "ownwire/chat" || type !== "hello" || v !== 1) throw new Error(`no hello on a stream of chats: ${kind}, ${type}`);
    this.back = resume === undefined ? "anew" : resume === this.memory.token ? "resumes" : `with the token ${resume}`;
    this.yamux({ type: "window", flags: ["ack"], id: this.stream });
  }
  tell(value) {
    this.yamux({ id: "chat", json: value });
  }
  yamuxBytes({ id, ...rest }) {
    return super.yamuxBytes({ id: id === "chat" ? this.stream : id, ...rest });
  }
  takeFrame() {
    return this.takeJson(this.stream);
  }

  /** A welcome, right for the hello that came but for what objectText() is told. `pieces`: one record for so many bytes; `refused`: it is not one that the client may take. */
  welcome({ pieces, refused = false, ...spec } = {}) {
    const memory = refused ? { ...this.memory } : this.memory;
    const { resumed = this.back === "resumes" } = spec.fields ?? {};
    if (resumed !== true) Object.assign(memory, { lastId: 0, session: `${String(++memory.sessions).padStart(8, "0")}-0000-4000-8000-000000000000` });
    const usual = { type: "welcome", v: 1, session_id: memory.session, resume_token: b64u(fresh(32)), resumed, last_id: memory.lastId, limits: { max_content_bytes: 65_536 } };
    const { session_id, resume_token } = JSON.parse(objectText(usual, spec));
    Object.assign(memory, { session: session_id, token: resume_token });
    this.isWelcomed ||= !refused;
    const bytes = this.yamuxBytes({ id: "chat", json: objectText(usual, spec) });
    for (let at = 0, size = pieces ?? bytes.length; at < bytes.length; at += size) this.record({ plain: bytes.subarray(at, at + size) });
  }
  reply(seq, content) {
    this.tell({ type: "message", seq, content });
  }
  /** A reply in a frame of so many bytes, the second half of it when there is credit for that. */
  async longReply(seq, bytes) {
    const rest = bytes - JSON.stringify({ type: "message", seq, content: "" }).length;
    const all = jsonFrame({ type: "message", seq, content: "x".repeat(rest) });
    const half = 131_072;
    this.yamux({ id: "chat", body: all.subarray(0, half) });
    await this.takeYamux(({ type, length }) => type === yamuxTypes.window && length > 0);
    this.yamux({ id: "chat", body: all.subarray(half) });
  }
  /** Replies with these numbers, in one record. */
  replies({ from, to, content }) {
    const frames = Array.from({ length: to - from + 1 }, (_, i) => this.yamuxBytes({ id: "chat", json: { type: "message", seq: from + i, content } }));
    this.record({ plain: Buffer.concat(frames) });
  }
  async takeJson(id) {
    const got = await super.takeJson(id);
    if (got.type === "message") this.memory.lastId = Math.max(this.memory.lastId, got.id);
    return got;
  }
  async takeTexts(count) {
    for (let id = 1; id <= count; id++) {
      const got = await this.takeFrame();
      if (got.type !== "message" || got.id !== id || got.content !== `text ${id}`) throw new Error(`no text ${id}: ${JSON.stringify(got)}`);
    }
  }

  /** Whatever is left up to the welcome; then it is alive: a reply reaches it, a text of its own comes and is acknowledged like all before, and at another reply it leaves. */
  async finish() {
    const at = states.findIndex(([name]) => name === this.state);
    for (const [, step] of states.slice(at + 1, helloState + 1)) await step(this);
    if (!this.isWelcomed) this.welcome();
    this.reply(lastSeq, `say ${lastWords}`);
    let got;
    do got = await this.takeFrame();
    while (got.content !== lastWords);
    for (let id = 1; id <= got.id; id++) this.tell({ type: "ack", id });
    this.reply(lastSeq + 1, "that is all");
    do got = await this.takeFrame();
    while (got.type !== "bye");
    const end = await this.connection.end();
    if (end !== "1000") throw new Error(`it left with ${end}`);
  }
}

const states = [
  ...clientStates.slice(0, 2),
  ["opened", (party) => party.takeOpen()],
  ...clientStates.slice(2, -1),
  ["chat", (party) => party.takeHello()],
  ["welcomed", async (party) => party.welcome()],
  ["sent", (party, { texts }) => party.takeTexts(texts)],
];
const helloState = states.findIndex(([name]) => name === "chat");

/** Replies with the same content, one after the other, are one word. */
function withRuns(words) {
  const runs = [];
  for (const word of words) {
    const [, seq, content] = /^reply (\d+) (.*)$/.exec(word) ?? [];
    const last = runs.at(-1);
    if (seq !== undefined && last?.content === content && last.to + 1 === Number(seq)) last.to++;
    else runs.push(seq === undefined ? { word } : { content, from: Number(seq), to: Number(seq) });
  }
  return runs.map(({ word, content, from, to }) => word ?? `reply ${from === to ? from : `${from} to ${to}`} ${content}`);
}

const longestPattern = 4;
/** What is repeated is there once, with how often. */
function shortened(said) {
  const words = withRuns(said);
  const out = [];
  for (let at = 0; at < words.length; ) {
    let [size, times] = [1, 1];
    for (let period = 1; period <= longestPattern; period++) {
      let to = at + period;
      while (to < words.length && words[to] === words[to - period]) to++;
      const count = Math.floor((to - at) / period);
      if (count > 1 && count * period > size * times) [size, times] = [period, count];
    }
    const what = words.slice(at, at + size).join("; ");
    out.push(times === 1 ? what : `${times} times ${size === 1 ? what : `(${what})`}`);
    at += size * times;
  }
  return out.join("; ");
}

/** Whether every text that was under way, and the last one, was delivered, and then the client left. */
function endsWell(before, after) {
  const open = new Set();
  for (const word of [...before, ...after]) {
    const [, what, id] = /^(sent|delivered|failed) (\d+)/.exec(word) ?? [];
    if (what === "sent") open.add(id);
    else if (what !== undefined) open.delete(id);
  }
  return open.size === 0 && after.every((word) => /^(sent|delivered) \d+$|^left$/.test(word)) && after.at(-1) === "left";
}

/** What the case did to a client, out of what the client says: without what led to the state, and without how it showed that it is alive. */
function saidOf(words, { in: state, texts }) {
  if (!Array.isArray(words)) return words;
  const usual = state === "welcomed" || state === "sent" ? ["new 00000001", ...Array.from({ length: texts }, (_, i) => `sent ${i + 1}`)] : [];
  const start = usual.every((word, i) => words[i] === word) ? usual.length : 0;
  const alive = words.indexOf(`reply ${lastSeq} say ${lastWords}`);
  const rest = words.slice(start, alive < 0 ? undefined : alive);
  if (alive >= 0 && !endsWell(words.slice(0, alive), words.slice(alive + 1))) rest.push("and in the end", ...words.slice(alive + 1));
  return rest.length === 0 ? "nothing" : shortened(rest);
}

/** Chat clients, one for each case, and one that stays. */
export async function chatClient(language) {
  const listener = createServer({ allowHalfOpen: true });
  const come = arrivals(listener);
  listener.listen(0, "127.0.0.1").unref();
  await once(listener, "listening");
  const pair = x25519Pair();
  const stranger = x25519Pair().bytes;
  const shim = {
    pair,
    stranger,
    ...come,
    start({ pinned = pair.bytes, texts = 0, attempts = 100, spread = 0 }) {
      const troupe = troupeOf(language);
      let id;
      const over = new Promise((resolve) => {
        id = troupe.tell({ do: "chat", url: `ws://127.0.0.1:${listener.address().port}/ws`, key: b64u(pinned), texts, attempts, spread }, ({ said }) => resolve(said));
      });
      /** `lost`: not before it has noticed that its connection was lost. */
      return { over, leave: ({ lost = false } = {}) => troupe.tell({ do: "leave", of: id, lost }, () => {}) };
    },
  };
  const neighbour = shim.start({});
  const party = new ChatGateway(await within(shim.connection(), "connection of the neighbour"), shim, { memory: memoryOf() });
  await bringTo("welcomed", states, party, {});
  let seq = 0;
  return Object.assign(shim, {
    witness: async () => {
      party.reply(++seq, "are you there");
      const got = await party.takeFrame();
      if (got.type !== "received" || got.seq !== seq) throw new Error(`the witness got ${JSON.stringify(got)}`);
    },
    stop: async () => {
      party.reply(++seq, "that is all");
      const said = await within(neighbour.over, "end of the neighbour");
      party.connection.drop();
      listener.close();
      const wanted = `new 00000001; reply 1 to ${seq - 1} are you there; left`;
      if (shortened(said) !== wanted) throw new Error(`the neighbour saw ${shortened(said)}`);
    },
  });
}

/** A case against a chat client. `texts`: how many it sends at once; `pinned`: it knows another key; `rounds`: the steps for each of these values, on one connection
 * after the other; `again`: further rounds, with steps of their own; `attempts`: that it makes; `spread`: it does not come back soon. It is alive when it says, hears and
 * leaves as it is told to: then, or when it has come back. */
export async function playToChatClient({ texts = 1, ...given }, shim) {
  const one = { texts, ...given };
  const pinned = one.pinned === undefined ? undefined : shim.stranger;
  const chat = shim.start({ texts, pinned, attempts: one.attempts, spread: one.spread === undefined ? 0 : 86_400_000 });
  const memory = memoryOf();
  const parties = [];
  const meet = async (socket, state) => {
    const party = new ChatGateway(socket, shim, { memory, pinned });
    parties.push(party);
    await bringTo(state, states, party, { texts });
    party.state = state;
    return party;
  };
  try {
    const own = one.rounds === undefined ? [one.do] : one.rounds.map((value) => filled(one.do, value));
    const rounds = [...own.map((steps) => ({ in: one.in, do: steps })), ...(one.again ?? [])];
    const last = rounds.pop();
    for (const { in: state = "chat", do: steps } of rounds) {
      const party = await meet(await within(shim.connection(), "connection of the client"), state);
      await doAll(party, steps);
      const end = await party.connection.end();
      if (one.rounds !== undefined && end !== one.expect.ends) return { failed: `a round before the last ended with ${end}: ${JSON.stringify(steps)}` };
    }
    const party = await meet(await within(shim.connection(), "connection of the client"), last.in ?? "chat");
    const outcome = await against(party, { ...one, do: last.do }, () => party.finish());
    if (outcome.failed !== undefined) return outcome;
    if (one.spread !== undefined) {
      await shim.witness();
      chat.leave({ lost: true });
    }
    const again = outcome.alive ? undefined : await within(Promise.race([chat.over.then(() => undefined), shim.connection()]), "return or end of the client");
    if (again !== undefined) {
      const returned = await meet(again, "chat");
      outcome.back = returned.back;
      await returned.finish();
    }
    outcome.says = saidOf(await within(chat.over, "word of the client"), one);
    return outcome;
  } finally {
    chat.leave();
    parties.forEach(dropAll);
    await within(chat.over, "end of the client").catch(() => {});
    shim.forget();
  }
}
