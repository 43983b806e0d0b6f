// Open messages and key files: what is written is read; anything else is refused with a SealedError.
import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeBase64url, trimmed, utf8 } from "../base/index.js";
import { changedJson, changedText, exactly, isOneOf, json, property, record, refusedOr, wholeText, wildText } from "../testing/properties.js";
import { boxBytes } from "./box.js";
import { SealedError } from "./error.js";
import { keyIdBytes } from "./key.js";
import { parseKeyFile, ServerKeyPair } from "./key_pair.js";
import { decodeOpen, encodeOpen, maxOpenBytes, type OpenMessage } from "./open_message.js";

const messages = (): fc.Arbitrary<OpenMessage> => record({
  channelId: wholeText(0, 60).map((text) => `c${text}d`), kid: exactly(keyIdBytes).map(encodeBase64url), suite: fc.constantFrom<1 | 2>(1, 2), sealed: exactly(boxBytes),
});

property("an open message comes back as it was made", [messages()], (message) => {
  assert.deepEqual(decodeOpen(encodeOpen(message)), message);
});

property("a channel id has 1 to 256 bytes, no white space around it, and whole characters", [messages(), fc.oneof(wildText(10), wholeText(0, 8), fc.tuple(fc.constantFrom("a", "é", "€", "😀"), fc.integer({ min: 60, max: 260 })).map(([letter, times]) => letter.repeat(times)))], (message, channelId) => {
  const read = refusedOr(() => decodeOpen(encodeOpen({ ...message, channelId })), isOneOf(SealedError));
  const isGood = channelId !== "" && trimmed(channelId) === channelId && utf8(channelId).length <= 256 && !/\p{Surrogate}/u.test(channelId);
  assert.equal(read?.channelId, isGood ? channelId : undefined);
});

const texts = () => fc.oneof(
  wildText(), wildText(5000), json().map((value) => JSON.stringify(value)), changedText(messages().map(encodeOpen)),
  changedJson(messages().map((message) => JSON.parse(encodeOpen(message)) as unknown)).map((value) => JSON.stringify(value)),
);

property("any text, and open messages with something changed: what it says by the rules, or invalid_open", [texts()], (text) => {
  const message = refusedOr(() => decodeOpen(text), isOneOf(SealedError));
  if (message === undefined) return;
  assert.ok(utf8(text).length <= maxOpenBytes && utf8(message.channelId).length <= 256 && message.sealed.length === boxBytes);
  assert.deepEqual(decodeOpen(encodeOpen(message)), message);
});

const keys = () => exactly(32).map((seed) => {
  const private_key_b64u = encodeBase64url(seed);
  return { kid: new ServerKeyPair(private_key_b64u).kid, private_key_b64u, created_at_unix_s: 1 };
});
const files = () => fc.uniqueArray(keys(), { minLength: 1, maxLength: 3, selector: ({ kid }) => kid }).map((list) => ({ version: 1, keys: list }));

property("a key file comes back as it was made", [files()], (file) => {
  assert.deepEqual(parseKeyFile(JSON.stringify(file)).map(({ kid }) => kid), file.keys.map(({ kid }) => kid));
});

property("any text, and key files with something changed: keys with their own ids, or a SealedError", [fc.oneof(wildText(), json().map((value) => JSON.stringify(value)), changedText(files().map((file) => JSON.stringify(file))), changedJson(files()).map((value) => JSON.stringify(value)))], (text) => {
  const pairs = refusedOr(() => parseKeyFile(text), isOneOf(SealedError));
  if (pairs !== undefined) assert.ok(pairs.length > 0 && new Set(pairs.map(({ kid }) => kid)).size === pairs.length);
});
