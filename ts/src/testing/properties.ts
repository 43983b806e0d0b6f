// Properties: what holds for whatever a peer sends, tried with many made-up inputs.
//
// FAST_CHECK_RUNS is how many of each (default 50), FAST_CHECK_SEED makes a run again. Each test says its seed; a failure
// is shrunk, and says seed and path as well.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { concat } from "../base/index.js";

const runs = Number(process.env["FAST_CHECK_RUNS"] ?? 50);

type Made<Values extends unknown[]> = { [Key in keyof Values]: fc.Arbitrary<Values[Key]> };

/** A test that `holds` does not throw for any of the values. */
export function property<Values extends [unknown, ...unknown[]]>(name: string, made: Made<Values>, holds: (...values: Values) => unknown): void {
  test(name, async (t) => {
    const seed = Number(process.env["FAST_CHECK_SEED"] ?? randomInt(2 ** 31));
    t.diagnostic(`seed ${seed}, ${runs} runs`);
    await fc.assert(fc.asyncProperty(...made, async (...values: Values) => void (await holds(...values))), { numRuns: runs, seed });
  });
}

/** What `work` gives, undefined when it refuses as it may. Any other error is the test's. */
export function refusedOr<Value>(work: () => Value, mayThrow: (error: unknown) => boolean): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (mayThrow(error)) return undefined;
    throw error;
  }
}

/** The same for what takes its time. */
export async function eventually<Value>(work: () => Promise<Value>, mayThrow: (error: unknown) => boolean): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (mayThrow(error)) return undefined;
    throw error;
  }
}

type Class = new (...args: never[]) => Error;
export const isOneOf = (...classes: Class[]) => (error: unknown): boolean => classes.some((each) => error instanceof each);

/** Runs `work`, which may not take memory for bytes that did not come: a length is a claim. */
export function lean<Value>(work: () => Value, most = 1_048_576): Value {
  const before = process.memoryUsage().arrayBuffers;
  const value = work();
  assert.ok(process.memoryUsage().arrayBuffers - before < most, "memory for what was only announced");
  return value;
}

// ---- values

/** Objects as anybody makes them, with a prototype. */
export const record = ((members: never, constraints?: object) => fc.record(members, { noNullPrototype: true, ...constraints })) as typeof fc.record;

export const bytes = (maxLength = 300) => fc.uint8Array({ maxLength });
export const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Halves of surrogate pairs among it. */
export const wildText = (maxLength = 300) =>
  fc.array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0, max: 0xffff })), { maxLength }).map((units) => String.fromCharCode(...units));
/** Whole characters only, of every plane. */
export const wholeText = (minLength = 0, maxLength = 40) => fc.string({ unit: "binary", minLength, maxLength });
/** What JSON holds, as `JSON.parse` gives it. */
export const json = () => fc.jsonValue({ maxDepth: 4 });
const count = (min: number, max = Number.MAX_SAFE_INTEGER) => fc.oneof(fc.integer({ min, max: Math.min(max, min + 9) }), fc.integer({ min, max }));
export { count };

/** In portions, some of them empty. */
export function split(whole: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((end, i) => whole.slice(places[i], end));
}
export const cuts = () => fc.array(fc.nat(), { maxLength: 12 });
/** Every byte on its own, or a few portions. */
export const someCuts = (length: number) => fc.oneof(cuts(), fc.constant(Array.from({ length }, (_, i) => i)));

// ---- what a peer could make of what is right

const edit = fc.record({
  at: fc.nat(),
  cut: fc.integer({ min: 0, max: 4 }),
  put: fc.oneof(bytes(4), fc.constantFrom(...[[], [0], [0xff, 0xff, 0xff, 0xff], [0x80], [0x22], [0x7b]].map((each) => Uint8Array.from(each)))),
});

/** One to four places of it changed: bytes replaced, put in, taken away. */
export const changed = (valid: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(valid, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([from, edits]) => {
    let made = from;
    for (const { at, cut, put } of edits) {
      const place = at % (made.length + 1);
      made = concat(made.slice(0, place), put, made.slice(place + cut));
    }
    return made;
  });

/** The same of a text. */
export const changedText = (valid: fc.Arbitrary<string>) =>
  fc.tuple(valid, fc.array(fc.record({ at: fc.nat(), cut: fc.integer({ min: 0, max: 4 }), put: fc.oneof(wildText(3), fc.constantFrom('"', "{", "]", "-0", "1.0", "1e999", "\\ud800", '"__proto__":{},', "null", ".", "=")) }), { minLength: 1, maxLength: 4 }))
    .map(([from, edits]) => edits.reduce((made, { at, cut, put }) => made.slice(0, at % (made.length + 1)) + put + made.slice((at % (made.length + 1)) + cut), from));

type Members = Record<string, unknown>;

function places(value: unknown, found: [Members, string][] = []): [Members, string][] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Members, key]);
    places((value as Members)[key], found);
  }
  return found;
}

/** JSON with one to three members taken away, or something else in their place; each a value of its own. */
export const changedJson = (valid: fc.Arbitrary<unknown>) =>
  fc.tuple(valid, fc.array(fc.record({ at: fc.nat(), instead: fc.option(fc.oneof(json(), fc.constantFrom<unknown>(-1, 0, 0.5, 2 ** 53, "", [], {}, null, true, "x".repeat(300)))), key: fc.option(fc.constantFrom("__proto__", "toString", "x")) }), { minLength: 1, maxLength: 3 }))
    .map(([from, edits]) => {
      const root = { value: JSON.parse(JSON.stringify(from)) as unknown };
      for (const { at, instead, key } of edits) {
        const all = places(root);
        const [holder, name] = all[at % all.length] as [Members, string];
        if (key !== null) Object.defineProperty(holder, key, { value: instead, enumerable: true, configurable: true, writable: true });
        else if (instead === null && holder !== root) delete holder[name];
        else holder[name] = instead;
      }
      return root.value;
    });

/** `readExactly` over portions; what it was asked for at most, and what it throws at their end. */
export class Portions {
  private left: Uint8Array;
  mostAsked = 0;
  constructor(portions: readonly Uint8Array[]) {
    this.left = concat(...portions);
  }
  readonly readExactly = async (n: number): Promise<Uint8Array> => {
    this.mostAsked = Math.max(this.mostAsked, n);
    if (n > this.left.length) throw new EndOfPortions();
    const taken = this.left.subarray(0, n);
    this.left = this.left.subarray(n);
    return taken;
  };
}
export class EndOfPortions extends Error {}
