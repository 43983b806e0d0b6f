import assert from "node:assert/strict";
import { test } from "node:test";
import { quietly } from "./index.js";

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what fails at once, and what fails later, concerns nobody, and whoever asks is told", async () => {
  const [now, later, odd] = [new Error("now"), new Error("later"), new Error("odd")];
  const calls: [() => unknown, unknown][] = [
    [() => { throw now; }, now],
    [async () => { throw later; }, later],
    [() => ({ then: (_: unknown, failed: (error: unknown) => void) => failed(odd) }), odd],
    [() => ({ get then() { throw now; } }), now],
    [() => 1, undefined],
    [() => null, undefined],
    [async () => 1, undefined],
  ];
  for (const [call, expected] of calls) {
    const told: unknown[] = [];
    quietly(call);
    quietly(call, (error) => told.push(error));
    await settled();
    assert.deepEqual(told, expected === undefined ? [] : [expected]);
  }
});
