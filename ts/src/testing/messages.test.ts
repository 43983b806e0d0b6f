// Every generated message: any text is read or refused with a BadMessageError, and what was read is written the same way again.
import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../base/index.js";
import * as controlplane from "../gen/flowersec/controlplane/v1.gen.js";
import * as demo from "../gen/flowersec/demo/v1.gen.js";
import * as direct from "../gen/flowersec/direct/v1.gen.js";
import * as e2ee from "../gen/flowersec/e2ee/v1.gen.js";
import * as policy from "../gen/flowersec/policy/v1.gen.js";
import * as rpc from "../gen/flowersec/rpc/v1.gen.js";
import * as stats from "../gen/flowersec/stats/v1.gen.js";
import * as token from "../gen/flowersec/token/v1.gen.js";
import * as tunnel from "../gen/flowersec/tunnel/v1.gen.js";
import { BadMessageError } from "../gen/flowersec_runtime.gen.js";
import { bytes, changed, changedJson, changedText, isOneOf, json, property, refusedOr, wildText } from "./properties.js";
import { readSharedJson } from "./repository.js";

interface Codec {
  readonly name: string;
  readonly decode: (text: string | Uint8Array) => unknown;
  readonly encode: (message: unknown) => string;
  readonly assert: (value: unknown) => unknown;
  /** Texts of it that are read. */
  readonly texts: string[];
}
const table = readSharedJson("idl/testdata/codec_cases.json") as { cases: { message: string; text?: string; error?: string; typescript?: unknown }[] };
const domains = { controlplane, demo, direct, e2ee, policy, rpc, stats, token, tunnel };
const codecs = Object.entries(domains).flatMap(([domain, module]) => Object.keys(module).filter((name) => name.startsWith("decode")).map((name): Codec => {
  const message = name.slice("decode".length);
  const of = module as unknown as Record<string, never>;
  const texts = table.cases.filter((row) => row.message === `${domain}.${message}` && row.text !== undefined && !row.error && !row.typescript).map(({ text }) => text as string);
  return { name: `${domain}.${message}`, decode: of[name] as never, encode: of[`encode${message}`] as never, assert: of[`assert${message}`] as never, texts };
}));
assert.ok(codecs.length > 25);

const isRefusal = isOneOf(BadMessageError);
const anyText = () => fc.oneof(wildText(), json().map((value) => JSON.stringify(value)));

function holds({ decode, encode, assert: check, name }: Codec, text: string) {
  const message = refusedOr(() => decode(text), isRefusal);
  // Bytes and text say the same, unless the text is none that bytes could be.
  if (!/\p{Surrogate}/u.test(text)) assert.equal(refusedOr(() => decode(utf8(text)), isRefusal) === undefined, message === undefined, name);
  if (message === undefined) return;
  const written = encode(message);
  assert.equal(encode(decode(written)), written, name);
  check(JSON.parse(text));
}

property("any text", [fc.constantFrom(...codecs), anyText()], holds);

property("any bytes", [fc.constantFrom(...codecs), bytes()], ({ decode }, given) => {
  refusedOr(() => decode(given), isRefusal);
});

const known = codecs.flatMap((codec) => codec.texts.map((text) => ({ codec, text })));
assert.ok(known.length > 40);
const oneOf = (change: (text: fc.Arbitrary<string>) => fc.Arbitrary<string>) => fc.constantFrom(...known).chain(({ codec, text }) => fc.tuple(fc.constant(codec), change(fc.constant(text))));

property("texts of the shared table with something changed", [oneOf(changedText)], ([codec, text]) => holds(codec, text));
property("their members with something else in the place of some", [oneOf((text) => changedJson(text.map((each) => JSON.parse(each) as unknown)).map((value) => JSON.stringify(value)))], ([codec, text]) => holds(codec, text));
property("their bytes with something changed", [fc.constantFrom(...known).chain(({ codec, text }) => fc.tuple(fc.constant(codec), changed(fc.constant(utf8(text)))))], ([{ decode, encode }, given]) => {
  const message = refusedOr(() => decode(given), isRefusal);
  if (message !== undefined) assert.equal(encode(decode(encode(message))), encode(message));
});

property("any value in the place of a message: it is one, or a BadMessageError", [fc.constantFrom(...codecs), fc.anything()], ({ assert: check, encode, decode }, value) => {
  const message = refusedOr(() => check(value), isRefusal);
  if (message === undefined) return;
  const written = refusedOr(() => encode(message), isRefusal); // raw JSON may hold what is none
  if (written !== undefined) decode(written);
});
