// Flags: the table that C++ shares.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSharedJson } from "../testing/repository.js";
import { parseBoolean, parseDuration, parseInteger, readFlags, type FlagValues } from "./flags.js";
import { clientCommandOf, clientProgram, serveCommandOf, serveProgram } from "./options.js";

interface TextCase<T> {
  readonly text: string;
  readonly value: T | null;
}
interface LineCase {
  readonly name: string;
  readonly program: "client" | "serve";
  readonly words: string[];
  readonly environment?: Record<string, string>;
  readonly values?: FlagValues;
  readonly complaint?: string;
  readonly help?: true;
  readonly version?: true;
}
const table = readSharedJson("testdata/flag_cases.json") as {
  booleans: TextCase<boolean>[];
  integers: TextCase<string>[];
  durations: TextCase<string>[];
  lines: LineCase[];
};

test("booleans are twelve words", () => {
  for (const { text, value } of table.booleans) assert.equal(parseBoolean(text), value ?? undefined, JSON.stringify(text));
});

test("integers are Go's literals of 64 bits", () => {
  for (const { text, value } of table.integers) assert.equal(parseInteger(text)?.toString(), value ?? undefined, JSON.stringify(text));
});

test("durations are numbers with units, to the nanosecond", () => {
  for (const { text, value } of table.durations) assert.equal(parseDuration(text)?.toString(), value ?? undefined, JSON.stringify(text));
});

const programs = {
  client: { program: clientProgram, problemOf: clientCommandOf },
  serve: { program: serveProgram, problemOf: serveCommandOf },
} as const;

for (const { name, program: which, words, environment = {}, values, complaint, help, version } of table.lines) {
  test(`command line: ${name}`, () => {
    const { program, problemOf } = programs[which];
    const found = readFlags(program, words, environment);
    if (help) return assert.deepEqual(found, { help: true });
    if ("complaint" in found) return assert.equal(found.complaint, complaint);
    assert.ok("values" in found);
    assert.equal(found.values["version"], version ?? false);
    if (version) return;
    const problem: unknown = problemOf(found.values);
    assert.equal(typeof problem === "string" ? problem : undefined, complaint);
    for (const [flag, value] of Object.entries(values ?? {})) assert.deepEqual(found.values[flag], value, flag);
  });
}
