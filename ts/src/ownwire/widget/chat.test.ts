import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { Chat, maxContentBytes, typingTimeoutMs } from "./chat.js";
import type { ChatClient, ClientEvents } from "./client.js";
import { quietMs } from "./connection_status.js";
import { defaultStrings } from "./strings.js";
import { maxEntries, Transcript, type Entry, type TabStorage } from "./transcript.js";
import type { Status } from "./view.js";
import { typingPauseMs } from "./visitor_typing.js";

/** A tab's storage that takes at most `room` characters in one value. */
function storage(room = Infinity): TabStorage & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (name) => values.get(name) ?? null,
    setItem(name, text) {
      if (text.length > room) throw new Error("QuotaExceededError");
      values.set(name, text);
    },
    removeItem: (name) => void values.delete(name),
  };
}

interface Scripted {
  chat: Chat;
  events: ClientEvents;
  transcript: Transcript;
  shown: Entry[];
  line: () => Status | undefined;
  dots: () => boolean;
  returned: string[];
  unread: number[];
  did: string[];
}

const chats: Chat[] = [];
afterEach(() => chats.splice(0).forEach((chat) => chat.detach())); // their timers

/** A chat with a client that notes what it is asked for. */
function scripted(kept: TabStorage | undefined = storage(), client: Partial<ChatClient> | Error = {}): Scripted {
  const did: string[] = [];
  const unread: number[] = [];
  const returned: string[] = [];
  const shown: Entry[] = [];
  let line: Status | undefined;
  let dots = false;
  let events: ClientEvents | undefined;
  let last = 0;
  const transcript = new Transcript(kept, "page gateway key");
  const chat = new Chat(transcript, {
    show: (entry) => void (shown.includes(entry) || shown.push(entry)),
    remove: (entry) => void shown.splice(shown.indexOf(entry), 1),
    showStatus: (status) => (line = status),
    showTyping: (on) => (dots = on),
    giveBack: (text) => void returned.push(text),
  }, defaultStrings, (given) => {
    if (client instanceof Error) throw client;
    events = given;
    did.push("made");
    return {
      pending: [],
      connect: () => void did.push("connect"),
      send: (text) => (did.push(`send ${text}`), ++last),
      typing: (on) => void did.push(`typing ${on}`),
      setMetadata: (metadata) => void did.push(`metadata ${metadata}`),
      detach: () => void did.push("detach"),
      ...client,
    };
  }, { unread: (count) => void unread.push(count), event: () => undefined });
  chats.push(chat);
  return {
    chat, transcript, shown, returned, unread, did, line: () => line, dots: () => dots,
    get events() {
      return events as ClientEvents;
    },
  };
}

test("it connects when it is first visible, once", () => {
  const it = scripted();
  it.chat.resume();
  assert.deepEqual(it.did, []);
  it.chat.visible = true;
  it.chat.visible = false;
  it.chat.visible = true;
  assert.deepEqual(it.did, ["made", "connect"]);
});

test("metadata that the SDK refuses changes nothing, and the chat comes back without it", () => {
  const taken: string[] = [];
  const it = scripted(storage(), {
    setMetadata: (metadata) => {
      if (metadata === "too long") throw new TypeError("metadata");
      taken.push(metadata);
    },
  });
  it.chat.visible = true;
  it.chat.setMetadata("good");
  assert.throws(() => it.chat.setMetadata("too long"), TypeError);
  it.chat.detach();
  it.chat.visible = true;
  assert.deepEqual(it.did, ["made", "connect", "detach", "made", "connect"]);
  assert.deepEqual(taken, ["good", "good"]);
});

test("it connects by itself when an earlier page of the tab had", () => {
  const kept = storage();
  new Transcript(kept, "page gateway key").session.save("token");
  const it = scripted(kept);
  it.chat.resume();
  assert.deepEqual(it.did, ["made", "connect"]);
});

test("a text goes from queued to delivered, and the dots stay until the reply", () => {
  const it = scripted();
  it.chat.send("  hello\n");
  assert.deepEqual(it.did, ["made", "connect", "send hello"]);
  assert.equal(it.shown[0]?.state, "queued");
  it.events.delivery(1, "delivered");
  assert.equal(it.shown[0]?.state, "delivered");
  assert.equal(it.dots(), true);
  it.events.reply("hi");
  assert.equal(it.dots(), false);
  assert.deepEqual(it.shown.map(({ from, text }) => [from, text]), [["user", "hello"], ["backend", "hi"]]);
});

test("dots vanish with typing off, with a lost connection, and after 60 s", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const it = scripted();
    it.chat.send("hello");
    it.events.delivery(1, "delivered");
    it.events.typing(false);
    assert.equal(it.dots(), false);
    it.events.typing(true);
    it.events.state("reconnecting");
    assert.equal(it.dots(), false);
    it.events.typing(true);
    mock.timers.tick(typingTimeoutMs - 1);
    assert.equal(it.dots(), true);
    mock.timers.tick(1);
    assert.equal(it.dots(), false);
  } finally {
    mock.timers.reset();
  }
});

test("without a backend the text has failed, and the user reads why", () => {
  const it = scripted();
  it.chat.visible = true;
  it.events.state("open");
  it.chat.send("hello");
  it.events.delivery(1, "failed");
  it.events.problem({ code: "backend_unavailable", fatal: false, id: 1 });
  assert.equal(it.shown[0]?.state, "failed");
  assert.deepEqual(it.line(), { text: defaultStrings.unavailable, problem: true });
  it.chat.retry(it.shown[0] as Entry);
  assert.equal(it.line(), undefined);
  assert.deepEqual(it.shown.map(({ text, state }) => [text, state]), [["hello", "queued"]]);
  it.events.delivery(2, "delivered");
  assert.equal(it.shown[0]?.state, "delivered");
});

test("a text that came too fast is the visitor's to repeat; a gateway that lets nobody in cannot be reached", () => {
  const it = scripted();
  it.chat.visible = true;
  it.events.state("open");
  it.chat.send("hello");
  it.events.problem({ code: "rate_limited", fatal: false, id: 1 });
  assert.equal(it.line()?.text, defaultStrings.too_many);
  const late = scripted();
  late.chat.visible = true;
  late.events.state("connecting");
  for (let attempt = 0; attempt < 3; attempt++) late.events.problem({ code: "rate_limited", fatal: false });
  assert.equal(late.line()?.text, defaultStrings.unreachable);
  late.events.state("open");
  assert.equal(late.line(), undefined);
});

test("a client may say what became of a text before send() is back", () => {
  const it = scripted(storage(), {
    send() {
      it.events.delivery(5, "queued");
      it.events.delivery(5, "sent");
      return 5;
    },
  });
  it.chat.send("hello");
  assert.equal(it.shown[0]?.state, "sent");
  it.events.delivery(5, "delivered");
  assert.equal(it.shown[0]?.state, "delivered");
});

test("an acknowledgement of nothing shows nothing", () => {
  const it = scripted();
  it.chat.visible = true;
  it.events.delivery(7, "delivered");
  assert.equal(it.dots(), false);
});

test("a text of the longest size is sent, one byte more is given back", () => {
  const it = scripted();
  it.chat.send("ä".repeat(maxContentBytes / 2));
  assert.equal(it.shown.length, 1);
  it.events.state("open");
  it.chat.send(`a${"ä".repeat(maxContentBytes / 2)}`);
  assert.equal(it.shown.length, 1);
  assert.equal(it.returned.length, 1);
  assert.equal(it.line()?.text, defaultStrings.too_long);
});

test("a text that the full queue refuses has failed", () => {
  const it = scripted(storage(), { send: () => { throw new Error("queue full"); } });
  it.chat.send("hello");
  assert.equal(it.shown[0]?.state, "failed");
});

test("a client that cannot be made says why, and nothing stays unsent in silence", () => {
  const it = scripted(storage(), new Error("no key is pinned"));
  it.chat.visible = true;
  assert.match(it.line()?.text ?? "", /no key is pinned/);
  it.chat.send("hello");
  assert.equal(it.shown[0]?.state, "failed");
});

test("replies count as unread while it is minimised", () => {
  const it = scripted();
  it.chat.visible = true;
  it.events.reply("seen");
  it.chat.visible = false;
  it.events.reply("one");
  it.events.reply("two");
  it.chat.visible = true;
  assert.deepEqual(it.unread, [1, 2, 0]);
});

test("the next page has the transcript, the count and what is still on its way", () => {
  const kept = storage();
  const first = scripted(kept);
  first.chat.visible = true;
  for (const text of ["delivered", "on its way", "lost"]) first.chat.send(text);
  first.events.delivery(1, "delivered");
  first.chat.visible = false;
  first.events.reply("hi");
  const second = scripted(kept, { pending: [2] });
  assert.equal(second.transcript.unread, 1);
  second.chat.visible = true;
  assert.deepEqual(second.shown.map(({ text, state }) => [text, state]),
    [["delivered", "delivered"], ["on its way", "queued"], ["lost", "failed"], ["hi", "delivered"]]);
  second.events.delivery(2, "delivered");
  assert.equal(second.shown[1]?.state, "delivered");
});

test("a page of another origin, gateway or key sees nothing of it", () => {
  const kept = storage();
  const it = scripted(kept);
  it.chat.send("secret");
  it.transcript.session.save("token");
  const other = new Transcript(kept, "other gateway key");
  assert.deepEqual(other.entries, []);
  assert.equal(other.session.load(), null);
});

test("without history nothing is kept", () => {
  const it = scripted(undefined);
  it.chat.send("hello");
  assert.equal(it.transcript.entries.length, 1);
  assert.deepEqual(new Transcript(undefined, "page gateway key").entries, []);
});

test("the last hundred messages are kept, and shown", () => {
  const kept = storage();
  const it = scripted(kept);
  it.chat.visible = true;
  for (let n = 1; n <= maxEntries + 1; n++) it.events.reply(`reply ${n}`);
  assert.equal(it.shown.length, maxEntries);
  assert.equal(it.shown[0]?.text, "reply 2");
  assert.equal(scripted(kept).shown.length, maxEntries);
});

test("what the browser has no room for is left out from the old end", () => {
  const kept = storage(600);
  const it = scripted(kept);
  it.chat.visible = true;
  for (let n = 1; n <= 20; n++) it.events.reply(`reply ${n}`);
  const left = scripted(kept).shown.map(({ text }) => text);
  assert.equal(left.at(-1), "reply 20");
  assert.ok(left.length < 20);
});

test("storage that somebody else wrote is not believed", () => {
  const good = { from: "backend", text: "hi", at_ms: 1, state: "delivered" };
  for (const [text, count] of [
    ["{", 0], ["7", 0], ["null", 0], ['{"entries":7}', 0], [JSON.stringify({ entries: [null, 7, { ...good, text: 7 }, { ...good, state: "x" }, good], unread: "x" }), 1],
  ] as const) {
    const kept = storage();
    kept.values.set("ownwire:page gateway key", text);
    const transcript = new Transcript(kept, "page gateway key");
    assert.equal(transcript.entries.length, count, text);
    assert.equal(transcript.unread, 0);
  }
});

test("the visitor's typing is told once, and ends with a pause, an empty field or the text itself", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const it = scripted();
    it.chat.visible = true;
    it.did.length = 0;
    it.chat.edited(false);
    mock.timers.tick(typingPauseMs - 1);
    it.chat.edited(false);
    mock.timers.tick(typingPauseMs - 1);
    assert.deepEqual(it.did, ["typing true"]);
    mock.timers.tick(1);
    it.chat.edited(false);
    it.chat.edited(true);
    it.chat.edited(false);
    it.chat.send("hello");
    assert.deepEqual(it.did, ["typing true", "typing false", "typing true", "typing false", "typing true", "typing false", "send hello"]);
  } finally {
    mock.timers.reset();
  }
});

test("the line speaks when connecting takes long, and is silent when it does not", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const it = scripted();
    it.chat.visible = true;
    it.events.state("connecting");
    mock.timers.tick(quietMs - 1);
    assert.equal(it.line(), undefined);
    mock.timers.tick(1);
    assert.equal(it.line()?.text, defaultStrings.connecting);
    it.events.state("open");
    assert.equal(it.line(), undefined);
    it.events.state("reconnecting");
    assert.equal(it.line()?.text, defaultStrings.reconnecting);
    for (let n = 0; n < 3; n++) it.events.problem({ code: "closed", fatal: false });
    assert.equal(it.line()?.text, defaultStrings.unreachable);
  } finally {
    mock.timers.reset();
  }
});

test("a server without the pinned key is named as such, until it has proved itself", () => {
  const it = scripted();
  it.chat.visible = true;
  it.events.state("reconnecting");
  it.events.problem({ code: "unknown_key", fatal: false });
  assert.equal(it.line()?.text, defaultStrings.unproven);
  it.events.state("open");
  assert.equal(it.line(), undefined);
});

test("when another tab took the session, the user may start a new one here", () => {
  const it = scripted();
  it.transcript.session.save("token");
  it.chat.visible = true;
  it.events.state("open");
  it.events.problem({ code: "session_taken", fatal: true });
  it.events.state("closed");
  assert.equal(it.line()?.text, defaultStrings.taken);
  it.line()?.action?.run();
  assert.deepEqual(it.did, ["made", "connect", "detach", "made", "connect"]);
  assert.equal(it.transcript.session.load(), null);
  assert.equal(it.line(), undefined);
});

test("when the chat has ended, nothing stays on its way", () => {
  const it = scripted();
  it.chat.send("hello");
  it.events.state("closed");
  assert.equal(it.shown[0]?.state, "failed");
  assert.equal(it.line()?.text, defaultStrings.ended);
});

test("who writes after the end starts a new chat", () => {
  const it = scripted();
  it.chat.visible = true;
  it.events.state("closed");
  it.chat.send("hello again");
  assert.deepEqual(it.did, ["made", "connect", "detach", "made", "connect", "send hello again"]);
  assert.equal(it.shown[0]?.state, "queued");
});
