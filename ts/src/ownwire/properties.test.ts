// Chat frames and what a page keeps of a chat: read, or undefined; never anything else.
import assert from "node:assert/strict";
import fc from "fast-check";
import { changedJson, changedText, count, json, property, record, wholeText, wildText } from "../testing/properties.js";
import { decodeGatewayFrame, encodeUserFrame, type UserFrame } from "./frames.js";
import { decodeSaved, encodeSaved, type SavedChat } from "./saved.js";

const frames = () => fc.oneof(
  record({ type: fc.constant("welcome"), v: fc.constant(1), session_id: wholeText(), resume_token: wholeText(), resumed: fc.boolean(), last_id: count(0), limits: record({ max_content_bytes: count(1) }) }),
  record({ type: fc.constant("ack"), id: count(1) }),
  record({ type: fc.constant("message"), seq: count(1), content: wholeText(), metadata: wholeText() }, { requiredKeys: ["type", "seq", "content"] }),
  record({ type: fc.constant("typing"), on: fc.boolean() }),
  record({ type: fc.constant("error"), code: fc.constantFrom("invalid_frame", "rate_limited", "of tomorrow"), id: count(1), fatal: fc.boolean() }, { requiredKeys: ["type", "code", "fatal"] }),
);

property("a frame of the gateway says what it was made of", [frames()], (frame) => {
  const read = decodeGatewayFrame(JSON.stringify(frame)) as unknown as Record<string, unknown>;
  assert.equal(read["type"], frame.type);
  for (const [key, value] of Object.entries(frame)) {
    if (key in read) assert.equal(read[key], value === "of tomorrow" ? "other" : value);
  }
  if (frame.type === "welcome") assert.deepEqual(read["maxContentBytes"], (frame as { limits: { max_content_bytes: number } }).limits.max_content_bytes);
});

property("any text, and frames with something changed: a frame of its types, or undefined", [fc.oneof(wildText(), json().map((value) => JSON.stringify(value)), changedText(frames().map((frame) => JSON.stringify(frame))), changedJson(frames()).map((value) => JSON.stringify(value)))], (text) => {
  const frame = decodeGatewayFrame(text);
  if (frame?.type === "message") assert.ok(frame.seq >= 1 && typeof frame.content === "string" && typeof (frame.metadata ?? "") === "string");
  if (frame?.type === "ack") assert.ok(Number.isSafeInteger(frame.id) && frame.id >= 1);
  if (frame?.type === "welcome") assert.ok(frame.maxContentBytes >= 1 && frame.lastId >= 0 && typeof frame.resumeToken === "string");
});

const text = () => fc.option(wholeText(), { nil: undefined });
const own = (): fc.Arbitrary<UserFrame> => fc.oneof(
  record({ type: fc.constant("hello" as const), metadata: text(), resume: text(), auth: text() }),
  record({ type: fc.constant("message" as const), id: count(1), content: wholeText() }),
  record({ type: fc.constant("received" as const), seq: count(1) }),
  record({ type: fc.constant("typing" as const), on: fc.boolean() }),
  record({ type: fc.constant("bye" as const) }),
);

property("a frame of the user's side is the JSON of its members", [own()], (frame) => {
  const written = JSON.parse(encodeUserFrame(frame)) as Record<string, unknown>;
  assert.deepEqual(written, JSON.parse(JSON.stringify({ ...frame, ...(frame.type === "hello" && { v: 1 }) })));
});

const chats = (): fc.Arbitrary<SavedChat> => fc.tuple(wholeText(), wholeText(), count(0), fc.uniqueArray(count(1, 1000), { maxLength: 5 }), fc.array(wholeText(), { minLength: 5, maxLength: 5 }))
  .map(([resumeToken, sessionId, lastSeq, ids, contents]) => ({
    resumeToken, sessionId, lastSeq, lastId: 1000, lastWireId: 1000,
    texts: ids.sort((a, b) => a - b).map((id, i) => ({ id, content: contents[i] as string, wireId: i % 2 ? id : undefined })),
  }));

property("a chat comes back as it was kept", [chats()], (chat) => {
  assert.deepEqual(decodeSaved(encodeSaved(chat)), chat);
});

property("texts of a kept chat have ids that rise up to the last one", [chats(), fc.array(count(0, 12), { maxLength: 4 })], (chat, ids) => {
  const texts = ids.map((id) => ({ id, content: "x", wireId: undefined }));
  const isGood = ids.every((id, i) => id >= 1 && id <= 10 && id > (ids[i - 1] ?? 0));
  assert.equal(decodeSaved(encodeSaved({ ...chat, lastId: 10, texts })) !== undefined, isGood);
});

property("any text, and kept chats with something changed: a chat whose ids rise, or undefined", [fc.oneof(wildText(), json().map((value) => JSON.stringify(value)), changedText(chats().map(encodeSaved)), changedJson(chats().map((chat) => JSON.parse(encodeSaved(chat)) as unknown)).map((value) => JSON.stringify(value)))], (kept) => {
  const chat = decodeSaved(kept);
  if (chat === undefined) return;
  assert.ok(chat.texts.every(({ id, content }, i) => id >= 1 && id <= chat.lastId && typeof content === "string" && id > (chat.texts[i - 1]?.id ?? 0)));
  assert.deepEqual(decodeSaved(encodeSaved(chat)), chat);
});
