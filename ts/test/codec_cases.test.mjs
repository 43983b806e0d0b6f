// Every case of idl/testdata/codec_cases.json; the C++ codecs run the same file.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = process.env.FLOWERSEC_ROOT;
const out = process.env.FLOWERSEC_TS_OUT;
const { cases } = JSON.parse(readFileSync(`${root}/idl/testdata/codec_cases.json`, "utf8"));

async function moduleOf(domain) {
  const folder = domain === "torture" ? `${out}/torture` : `${out}/main/gen`;
  return import(`${folder}/flowersec/${domain}/v1.gen.js`);
}

/** TypeScript marks type names that it needs itself. */
const typeNames = { Promise: "Promise_" };

function inputOf(row) {
  const bytes = row.hex === undefined ? Buffer.from(row.text, "utf8") : Buffer.from(row.hex, "hex");
  const padding = Math.max(0, (row.padded_to ?? 0) - bytes.length);
  return new Uint8Array(Buffer.concat([bytes, Buffer.alloc(padding, " ")]));
}

for (const row of cases) {
  test(`point ${row.point}: ${row.name}`, async () => {
    const [domain, message] = row.message.split(".");
    const codec = await moduleOf(domain);
    const name = typeNames[message] ?? message;
    const expected = row.typescript ?? row;
    const run = (input) => codec[`encode${name}`](codec[`decode${name}`](input));
    const inputs = [inputOf(row)];
    if (row.text !== undefined) inputs.push(Buffer.from(inputs[0]).toString("utf8"));
    for (const input of inputs) {
      if (expected.error !== undefined) assert.throws(() => run(input), { message: expected.error });
      else assert.equal(run(input), expected.written);
    }
  });
}
