// Every case of idl/testdata/codec_cases.json; the C++ codecs run the same file.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = process.env.FLOWERSEC_ROOT;
const out = process.env.FLOWERSEC_TS_OUT;
const table = JSON.parse(readFileSync(`${root}/idl/testdata/codec_cases.json`, "utf8"));

/** TypeScript marks type names that it needs itself. */
const typeNames = { Promise: "Promise_" };

async function codecOf(name) {
  const [domain, message] = name.split(".");
  const folder = domain === "torture" ? `${out}/torture` : `${out}/main/gen`;
  const module = await import(`${folder}/flowersec/${domain}/v1.gen.js`);
  const type = typeNames[message] ?? message;
  return { encode: module[`encode${type}`], decode: module[`decode${type}`], toWire: module[`toWire${type}`] };
}

const isBad = (message) => ({ name: "BadMessageError", message });

// ---- reading

function inputOf(row) {
  if (row.times !== undefined) return Buffer.from(row.open.repeat(row.times) + row.close.repeat(row.times), "utf8");
  const bytes = row.hex === undefined ? Buffer.from(row.text, "utf8") : Buffer.from(row.hex, "hex");
  const padding = Math.max(0, (row.padded_to ?? 0) - bytes.length);
  return Buffer.concat([bytes, Buffer.alloc(padding, " ")]);
}

for (const row of table.cases) {
  test(`point ${row.point}: ${row.name}`, async () => {
    const { encode, decode } = await codecOf(row.message);
    const expected = row.typescript ?? row;
    const bytes = inputOf(row);
    const inputs = row.hex === undefined ? [new Uint8Array(bytes), bytes.toString("utf8")] : [new Uint8Array(bytes)];
    for (const input of inputs) {
      if (expected.error !== undefined) assert.throws(() => decode(input), isBad(expected.error));
      else assert.equal(encode(decode(input)), expected.written ?? bytes.toString("utf8"));
    }
  });
}

// ---- writing

function nested(message, levels) {
  let inside = [];
  for (let level = 1; level < levels; level++) {
    inside = message === "torture.Tree" ? [{ name: "n", children: inside }] : [{ any: 0, branches: inside }];
  }
  return inside;
}

const specials = {
  // As C++ puts them together too.
  not_text: () => "\ud800",
  not_json: () => () => 1,
  json_of_not_text: () => "\udc00",
  entry: ({ key, value }) => ({ [made(key)]: made(value) }),
  nested: ({ levels }, { row }) => nested(row.message, levels),
  arrays({ levels }) {
    let value = [];
    for (let level = 1; level < levels; level++) value = [value];
    return value;
  },
  // As only JavaScript can.
  nan: () => Number.NaN,
  infinity: () => Number.NEGATIVE_INFINITY,
  bigint: () => 1n,
  undefined: () => undefined,
  symbol: () => Symbol("x"),
  function: () => () => 1,
  boxed_text: () => new String("x"),
  date: () => new Date(0),
  map: () => new Map([["a", "b"]]),
  bytes: () => new Uint8Array(1),
  to_json: () => ({ a: 1, toJSON: () => 2 }),
  symbol_key: () => ({ [Symbol("x")]: 1 }),
  hole: () => ["a", , "b"],
  list_with_more: () => Object.assign(["a"], { more: 1 }),
  cycle() {
    const value = { a: 1 };
    value.again = value;
    return value;
  },
  cycle_through_a_list() {
    const value = [1];
    value.push({ value }, value);
    return value;
  },
  inside_object: ({ of }) => ({ a: 1, b: made(of) }),
  inside_list: ({ of }) => [1, [made(of)]],
  itself: (_, { message }) => [message],
  twice() {
    const value = { a: 1 };
    return [value, value];
  },
};

function made(value, context) {
  if (Array.isArray(value)) return value.map((each) => made(each, context));
  return value?.special === undefined ? value : specials[value.special](value, context);
}

for (const row of table.write) {
  test(`writing: ${row.name}`, async () => {
    const { encode, decode, toWire } = await codecOf(row.message);
    const message = decode(table.base[row.message]);
    for (const [path, value] of Object.entries(row.put)) {
      const keys = path.split(".");
      const last = keys.pop();
      const target = keys.reduce((from, key) => from[key], message);
      target[last] = made(value, { row, message });
    }
    if (row.error !== undefined) {
      assert.throws(() => encode(message), isBad(row.error));
      assert.throws(() => toWire(message), isBad(row.error));
    } else {
      assert.equal(encode(message), row.written);
      assert.equal(JSON.stringify(toWire(message)), row.written);
      assert.equal(encode(decode(row.written)), row.written, "what is written can be read");
    }
  });
}
