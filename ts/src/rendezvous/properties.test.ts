// Frames of a registry, both ways, and how they come out of a stream: read by the rules or refused, never anything else.
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, encodeBase64url, utf8 } from "../base/index.js";
import { encodeFrame } from "../framing/index.js";
import { PublicKey } from "../identity/index.js";
import { bytes, changed, changedJson, changedText, count, exactly, isOneOf, json, property, record, refusedOr, someCuts, split, wholeText, wildText } from "../testing/properties.js";
import type { YamuxStream } from "../yamux/index.js";
import { FrameStream } from "./frame_stream.js";
import { decodeClientFrame, decodeServerFrame, encodeClientFrame, encodeServerFrame, type ClientFrame, type ServerFrame } from "./frames.js";
import { maxIdBytes, maxNoteBytes, maxRegistryFrameBytes } from "./limits.js";
import { ticketOf, wireGrantOf, type ChannelTicket } from "./ticket.js";

const keys = () => exactly(32).map((seed) => refusedOr(() => PublicKey.fromBytes(seed), isOneOf(Error))).filter((key) => key !== undefined);
const some = () => fc.uniqueArray(keys(), { minLength: 1, maxLength: 3, selector: ({ text }) => text });
const name = () => wholeText(1, 15);
const note = () => fc.option(wholeText(0, 20), { nil: undefined });
const is = <Type extends string>(type: Type) => fc.constant(type);
const tickets = (role: 1 | 2): fc.Arbitrary<ChannelTicket> => record({
  channelId: name(), role: fc.constant(role), tunnelUrl: name(), token: name(), initExpireAtUnixS: count(1), idleTimeoutSeconds: count(1, 2 ** 31 - 1),
  allowedSuites: fc.constantFrom<readonly (1 | 2)[]>([1], [1, 2]), defaultSuite: fc.constant(1 as const),
});
const pings = () => record({ type: fc.constantFrom("ping" as const, "pong" as const), t: count(0) });

const serverFrames = (): fc.Arbitrary<ServerFrame> => fc.oneof(
  record({ type: is("challenge"), registryKeys: some(), challenge: exactly(32), expiresInS: count(1, 2 ** 32 - 1), workBits: fc.option(count(0, 2 ** 32 - 1), { nil: undefined }) }),
  record({ type: is("registered"), publicKey: keys(), session: name(), keepAliveS: count(1, 2 ** 32 - 1) }),
  record({ type: is("incoming"), callId: name(), from: keys(), eph: keys(), note: note(), ticket: tickets(2) }),
  record({ type: is("grant"), rid: count(1), callId: name(), eph: keys(), ticket: tickets(1) }),
  record({ type: is("cancelled"), callId: name() }),
  record({ type: is("presence"), key: keys(), online: fc.boolean() }),
  pings(),
  record({ type: is("error"), code: is("refused"), rid: fc.option(count(1), { nil: undefined }), fatal: fc.boolean() }),
);
const clientFrames = (): fc.Arbitrary<ClientFrame> => fc.oneof(
  record({ type: is("register"), publicKey: keys(), registryKey: keys(), proof: exactly(32), instance: exactly(16), workNonce: fc.option(exactly(8), { nil: undefined }), replace: fc.boolean() }),
  record({ type: is("call"), rid: count(1), to: keys(), eph: keys(), note: note() }),
  record({ type: is("accept"), callId: name(), eph: keys() }),
  record({ type: is("decline"), callId: name() }),
  record({ type: is("cancel"), rid: count(1) }),
  record({ type: fc.constantFrom("watch" as const, "unwatch" as const), keys: some() }),
  pings(),
);

property("a frame of a registry comes back as it was made", [serverFrames()], (frame) => {
  assert.deepEqual(decodeServerFrame(encodeServerFrame(frame)), frame);
});

property("a frame of a client comes back as it was made", [clientFrames()], (frame) => {
  assert.deepEqual(decodeClientFrame(encodeClientFrame(frame)), frame);
});

const textsLike = (valid: fc.Arbitrary<string>) => fc.oneof(
  wildText(), json().map((value) => JSON.stringify(value)), changedText(valid), changedJson(valid.map((text) => JSON.parse(text) as unknown)).map((value) => JSON.stringify(value)),
);

property("any text, and frames of a registry with something changed: a frame that is written as it was read, unknown, or undefined", [textsLike(serverFrames().map(encodeServerFrame))], (text) => {
  const frame = decodeServerFrame(text);
  if (frame !== undefined && frame.type !== "unknown") assert.deepEqual(decodeServerFrame(encodeServerFrame(frame)), frame);
});

property("any text, and frames of a client with something changed: a frame that is written as it was read, unknown, or refused", [textsLike(clientFrames().map(encodeClientFrame))], (text) => {
  const frame = decodeClientFrame(text);
  if (frame.type === "refused") assert.ok(frame.rid === undefined || (Number.isSafeInteger(frame.rid) && frame.rid >= 1));
  else if (frame.type !== "unknown") assert.deepEqual(decodeClientFrame(encodeClientFrame(frame)), frame);
});

property("a text in a frame has whole characters and the length it may have", [wildText(20), fc.tuple(fc.constantFrom("a", "é", "😀"), fc.nat(600)).map(([letter, times]) => letter.repeat(times)), keys()], (wild, long, key) => {
  for (const text of [wild, long]) {
    const isWhole = !/\p{Surrogate}/u.test(text);
    const bytes = utf8(text).length;
    const cancelled = decodeServerFrame(JSON.stringify({ type: "cancelled", call_id: text }));
    assert.equal(cancelled !== undefined, isWhole && bytes >= 1 && bytes <= maxIdBytes);
    const call = decodeClientFrame(JSON.stringify({ type: "call", rid: 1, to: key.text, eph: key.text, note: text }));
    assert.deepEqual(call, isWhole && bytes <= maxNoteBytes ? { type: "call", rid: 1, to: key, eph: key, note: text } : { type: "refused", rid: 1 });
  }
});

property("any value as a grant: a ticket without its key, or undefined", [fc.oneof(fc.anything(), changedJson(tickets(1).map(wireGrantOf)))], (value) => {
  const ticket = ticketOf(value);
  if (ticket === undefined) return;
  assert.ok(!("e2ee_psk_b64u" in ticket) && utf8(ticket.channelId).length <= 256 && ticket.allowedSuites.includes(ticket.defaultSuite));
  assert.deepEqual(ticketOf(wireGrantOf(ticket)), ticket);
});

/** What is heard of a stream that gives these portions and then ends. */
async function heard(portions: Uint8Array[]) {
  const left = portions.filter(({ length }) => length > 0);
  let mostAsked = 0;
  const read = async ({ maxBytes }: { maxBytes: number }) => {
    mostAsked = Math.max(mostAsked, maxBytes);
    const portion = left.shift() ?? null;
    if (portion && portion.length > maxBytes) left.unshift(portion.subarray(maxBytes));
    return portion && portion.subarray(0, maxBytes);
  };
  const texts: string[] = [];
  const error = await new Promise<unknown>((resolve) => {
    const stream = { read, write: async () => {}, reset() {}, close: async () => {} };
    new FrameStream(stream as unknown as YamuxStream, maxRegistryFrameBytes, 1000, { onText: (text) => texts.push(text), onLost: resolve });
  });
  assert.ok(mostAsked <= maxRegistryFrameBytes && error instanceof Error);
  return { texts, error: error.name };
}

property("texts come out of a stream whatever the portions", [fc.array(wholeText(1), { maxLength: 5 }), someCuts(300)], async (texts, cuts) => {
  const { texts: found } = await heard(split(concat(...texts.map((text) => encodeFrame(text))), cuts));
  assert.deepEqual(found, texts);
});

property("any bytes in a stream: the same texts and the same end whatever the portions", [fc.oneof(bytes(), changed(fc.array(wildText(30), { maxLength: 4 }).map((texts) => concat(...texts.map((text) => encodeFrame(text)))))), someCuts(300)], async (given, cuts) => {
  assert.deepEqual(await heard(split(given, cuts)), await heard([given]));
});

property("a key of another length or form is no key of a frame", [wildText(50), exactly(31).map(encodeBase64url)], (any, short) => {
  for (const key of [any, short]) {
    const frame = decodeServerFrame(JSON.stringify({ type: "presence", key, online: true }));
    assert.ok(frame === undefined || (frame.type === "presence" && frame.key.text === key));
  }
});
