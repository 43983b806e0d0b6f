// Messages of a contact over channels that break, on a virtual clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64url } from "../base/index.js";
import { drain } from "../testing/intents.js";
import { readSharedJson } from "../testing/repository.js";
import { Conversation, decodeMessageFrame, type ConversationIntent } from "./conversation.js";
import * as limits from "./limits.js";

const conversationOf = (fill: number) => encodeBase64url(new Uint8Array(16).fill(fill));

const { cases } = readSharedJson("testdata/rendezvous/messages.json") as { cases: { name: string; text: string; as?: { type: string; id?: number } }[] };

for (const { name, text, as } of cases) {
  test(`the shared table: ${name}`, () => {
    const frame = decodeMessageFrame(text);
    if (frame?.type === "hello") return assert.deepEqual({ ...frame, v: limits.rendezvousVersion }, as);
    if (frame?.type !== "message") return assert.deepEqual(frame, as);
    const { sentAtMs, ...rest } = frame;
    assert.deepEqual(sentAtMs === undefined ? rest : { ...rest, sent_at_ms: sentAtMs }, as);
  });
}

test("what is said is in the shared table", () => {
  const conversation = new Conversation("AAECAwQFBgcICQoLDA0ODw");
  const said = () => drain<ConversationIntent>(conversation).flatMap((intent) => (intent.want === "send" ? [intent.text] : []));
  conversation.up(0);
  conversation.send('{"content":"hello"}', 1_767_225_600_000, 0);
  const ours = said();
  conversation.text(ours[0] as string, 0);
  conversation.text('{"type":"message","id":1,"content":1}', 0);
  conversation.handed(1);
  ours.push(...said());
  conversation.bye();
  ours.push(...said());
  const named = (...names: string[]) => names.map((name) => cases.find((each) => each.name === name)?.text);
  assert.deepEqual(ours, named("hello", "message", "ack", "bye"));
});

/** Two ends, whatever one says the other hears, unless it is lost. */
class Ends {
  readonly delivered: [unknown[], unknown[]] = [[], []];
  readonly settled: [unknown[], unknown[]] = [[], []];
  readonly closed: string[] = [];
  constructor(readonly ends: [Conversation, Conversation], public loses = () => false) {}

  up(now = 0): void {
    for (const end of this.ends) end.up(now);
    this.run(now);
  }

  down(): void {
    for (const end of this.ends) end.down();
  }

  run(now = 0): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const at of [0, 1] as const) {
        const end = this.ends[at];
        for (const intent of drain<ConversationIntent>(end)) {
          busy = true;
          if (intent.want === "send" && !this.loses()) this.ends[1 - at]!.text(intent.text, now);
          if (intent.want === "deliver") {
            this.delivered[at].push(intent.content);
            end.handed(intent.id);
          }
          if (intent.want === "settle") this.settled[at].push(intent.code ?? intent.id);
          if (intent.want === "close") this.closed.push(intent.why);
        }
      }
    }
  }
}

const pair = () => new Ends([new Conversation(conversationOf(1)), new Conversation(conversationOf(2))]);

test("messages: in order, acknowledged, both ways, and those from before the channel too", () => {
  const both = pair();
  const [a, b] = both.ends;
  a.send("1", 0, 0);
  a.send('{"x":2}', 0, 0);
  both.up();
  b.send("3", 0, 0);
  both.run();
  assert.deepEqual(both.delivered, [[3], [1, { x: 2 }]]);
  assert.deepEqual(both.settled, [[1, 2], [1]]);
  assert.equal(a.pending + b.pending, 0);
});

test("messages: whatever is lost with a channel comes once and in order on the next", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const both = pair();
    let state = seed * 2654435761;
    const random = () => ((state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9), ((state ^ (state >>> 13)) >>> 0) / 2 ** 32);
    const [a, b] = both.ends;
    const sent: number[][] = [[], []];
    for (let round = 0; round < 20; round++) {
      // From some moment on nothing arrives any more, in either direction, as when a cable is cut.
      let left = Math.floor(random() * 12);
      both.loses = () => left-- <= 0;
      both.up();
      for (const [at, end] of [a, b].entries()) {
        for (let n = Math.floor(random() * 3); n > 0; n--) {
          sent[at]?.push(round * 10 + n);
          end.send(String(round * 10 + n), 0, 0);
        }
      }
      both.run();
      both.down();
    }
    both.loses = () => false;
    both.up();
    assert.deepEqual(both.delivered, [sent[1], sent[0]], `seed ${seed}`);
    assert.equal(a.pending + b.pending, 0);
    assert.deepEqual(both.closed, []);
  }
});

test("messages: a duplicate is acknowledged again and not delivered; a new process of the peer counts anew", () => {
  const end = new Conversation(conversationOf(1));
  const hear = (frame: object) => {
    end.text(JSON.stringify(frame), 0);
    return drain(end);
  };
  end.up(0);
  drain(end);
  hear({ type: "hello", v: 1, conversation: conversationOf(2) });
  assert.equal(hear({ type: "message", id: 5, content: "x" })[0]?.want, "deliver");
  assert.deepEqual(hear({ type: "message", id: 5, content: "x" }), [], "it is being handed over");
  end.handed(5);
  drain(end);
  for (const id of [5, 4]) assert.deepEqual(hear({ type: "message", id, content: "x" }), [{ want: "send", text: `{"type":"ack","id":${id}}` }]);
  end.up(0);
  drain(end);
  hear({ type: "hello", v: 1, conversation: conversationOf(2) });
  assert.equal(hear({ type: "message", id: 5, content: "x" })[0]?.want, "send", "another channel, the same conversation");
  end.up(0);
  drain(end);
  hear({ type: "hello", v: 1, conversation: conversationOf(3) });
  assert.equal(hear({ type: "message", id: 1, content: "x" })[0]?.want, "deliver");
});

test("messages: what the application does not take is not acknowledged, ends the channel, and is delivered on the next", () => {
  const end = new Conversation(conversationOf(1));
  const hear = (frame: object) => {
    end.text(JSON.stringify(frame), 0);
    return drain<ConversationIntent>(end);
  };
  const open = () => {
    end.up(0);
    hear({ type: "hello", v: 1, conversation: conversationOf(2) });
  };
  open();
  assert.equal(hear({ type: "message", id: 1, content: "x" })[0]?.want, "deliver");
  end.text('{"type":"message","id":2,"content":"y"}', 0);
  end.refused();
  assert.deepEqual(drain(end), [{ want: "close", why: "not_taken" }], "and nothing behind it is delivered before it");
  end.refused();
  assert.deepEqual(drain(end), []);
  open();
  assert.deepEqual(hear({ type: "message", id: 1, content: "x" }).map(({ want }) => want), ["deliver"]);
  end.handed(1);
  assert.deepEqual(drain(end), [{ want: "send", text: '{"type":"ack","id":1}' }]);
});

test("messages: 100 wait and one more is refused; 1 MiB waits and one byte more is refused", () => {
  const many = new Conversation(conversationOf(1));
  for (let i = 0; i < limits.maxQueuedMessages; i++) many.send("1", 0, 0);
  assert.throws(() => many.send("1", 0, 0), { code: "queue_full" });
  many.drop(7);
  many.send("1", 0, 0);
  const large = new Conversation(conversationOf(1));
  const half = JSON.stringify("x".repeat(limits.maxQueuedMessageBytes / 2 - 2));
  large.send(half, 0, 0);
  assert.throws(() => large.send(`${half} `, 0, 0), { code: "queue_full" });
  large.send(half, 0, 0);
  assert.throws(() => large.send("1", 0, 0), { code: "queue_full" });
});

test("messages: a frame of 1 MiB is sent and taken, one byte more is neither", () => {
  const frameOf = (content: string) => `{"type":"message","id":1,"content":${content},"sent_at_ms":0}`;
  const room = limits.maxMessageFrameBytes - frameOf('""').length;
  const [fits, not] = [JSON.stringify("x".repeat(room)), JSON.stringify("x".repeat(room + 1))];
  new Conversation(conversationOf(1)).send(fits, 0, 0);
  assert.throws(() => new Conversation(conversationOf(1)).send(not, 0, 0), { code: "message_too_large" });
  assert.equal(decodeMessageFrame(frameOf(fits))?.type, "message");
  assert.equal(decodeMessageFrame(frameOf(not)), undefined);
});

test("messages: hello within 10 s, an acknowledgement within 30 s, or the channel is dead", () => {
  const silent = new Conversation(conversationOf(1));
  silent.up(0);
  silent.advance(limits.helloTimeoutMs - 1);
  assert.equal(drain(silent).length, 1);
  silent.advance(limits.helloTimeoutMs);
  assert.deepEqual(drain(silent), [{ want: "close", why: "channel_lost" }]);
  const deaf = new Conversation(conversationOf(1));
  deaf.up(0);
  deaf.text(`{"type":"hello","v":1,"conversation":"${conversationOf(2)}"}`, 0);
  deaf.send("1", 0, 100);
  drain(deaf);
  deaf.advance(100 + limits.ackTimeoutMs - 1);
  assert.deepEqual(drain(deaf), []);
  deaf.advance(100 + limits.ackTimeoutMs);
  assert.deepEqual(drain(deaf), [{ want: "close", why: "channel_lost" }]);
});

test("messages: the 30 s begin when the last part of a message has left, and stand still while more of it leaves", () => {
  const end = new Conversation(conversationOf(1));
  end.up(0);
  end.text(`{"type":"hello","v":1,"conversation":"${conversationOf(2)}"}`, 0);
  for (const content of ["1", "2"]) end.send(content, 0, 0);
  drain(end);
  for (const now of [20_000, 40_000, 60_000]) end.moved(1, now);
  end.moved(2, 70_000);
  assert.equal(end.deadline, 60_000 + limits.ackTimeoutMs);
  end.text('{"type":"ack","id":1}', 80_000);
  assert.equal(end.deadline, 70_000 + limits.ackTimeoutMs);
  end.advance(70_000 + limits.ackTimeoutMs - 1);
  assert.deepEqual(drain(end), [{ want: "settle", id: 1, code: undefined }]);
  end.advance(70_000 + limits.ackTimeoutMs);
  assert.deepEqual(drain(end), [{ want: "close", why: "channel_lost" }]);
  end.moved(2, 110_000);
  assert.equal(end.deadline, undefined);
});

test("messages: what is out of turn, or of no form, ends the channel and not the messages", () => {
  const hello = `{"type":"hello","v":1,"conversation":"${conversationOf(2)}"}`;
  const rows: [name: string, before: string[], text: string][] = [
    ["no hello", [], '{"type":"message","id":1,"content":1}'],
    ["a second hello", [hello], hello],
    ["another version", [], hello.replace('"v":1', '"v":2')],
    ["a conversation of 15 bytes", [], hello.replace(conversationOf(2), encodeBase64url(new Uint8Array(15)))],
    ["no content", [hello], '{"type":"message","id":1}'],
    ["id 0", [hello], '{"type":"message","id":0,"content":1}'],
    ["id 1.5", [hello], '{"type":"message","id":1.5,"content":1}'],
    ["a time that is none", [hello], '{"type":"message","id":1,"content":1,"sent_at_ms":"now"}'],
    ["ack without id", [hello], '{"type":"ack"}'],
    ["no type", [hello], "{}"],
    ["no object", [hello], "[]"],
    ["no JSON", [hello], "{"],
  ];
  for (const [name, before, text] of rows) {
    const end = new Conversation(conversationOf(1));
    end.send("1", 0, 0);
    end.up(0);
    for (const each of before) end.text(each, 0);
    drain(end);
    end.text(text, 0);
    assert.deepEqual(drain(end), [{ want: "close", why: "invalid_frame" }], name);
    assert.equal(end.pending, 1, name);
  }
  const end = new Conversation(conversationOf(1));
  end.up(0);
  drain(end);
  for (const text of [hello, '{"type":"of the future"}', '{"type":"ack","id":9}']) end.text(text, 0);
  assert.deepEqual(drain(end), [], "unknown types, and acknowledgements of nothing, are passed over");
  end.text('{"type":"bye"}', 0);
  assert.deepEqual(drain(end), [{ want: "close", why: "bye" }]);
});
