import assert from "node:assert/strict";
import { test } from "node:test";
import { livenessOfIdleTimeout, noLiveness } from "../session/index.js";
import { checkLiveness } from "./check_options.js";

test("liveness options, and what they leave out", () => {
  const tunnel = livenessOfIdleTimeout(60);
  assert.equal(checkLiveness(undefined, tunnel, noLiveness), tunnel);
  assert.deepEqual(checkLiveness(false, tunnel, noLiveness), noLiveness);
  assert.deepEqual(checkLiveness({}, tunnel, noLiveness), { intervalMs: 0, timeoutMs: 10_000 });
  assert.deepEqual(checkLiveness({ intervalMs: 400 }, tunnel, noLiveness), { intervalMs: 400, timeoutMs: 400 });
  assert.deepEqual(checkLiveness({ intervalMs: 60_000 }, tunnel, noLiveness), { intervalMs: 60_000, timeoutMs: 10_000 });
  assert.deepEqual(checkLiveness({ intervalMs: 400, timeoutMs: 7 }, tunnel, noLiveness), { intervalMs: 400, timeoutMs: 7 });
  for (const bad of [true, 5, { intervalMs: -1 }, { intervalMs: Infinity }, { timeoutMs: 0 }, { timeoutMs: Number.NaN }]) {
    assert.throws(() => checkLiveness(bad as never, tunnel, noLiveness), RangeError, JSON.stringify(bad));
  }
});
