// The table of cases that every language shares: which items survive a queue that is full.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { readSharedJson } from "../testing/repository.js";
import { watch } from "../testing/world.js";
import { emitObserverDiagnostic, normalizeObserver, withObserverContext } from "./observer.js";
import type { ClientObserver, DiagnosticEvent } from "./events.js";
import { ObserverQueue } from "./queue.js";

interface QueueCase {
  readonly name: string;
  readonly limit: number;
  readonly items: readonly string[];
  readonly told: readonly string[];
}
const { queue: cases } = readSharedJson("testdata/observer_cases.json") as { queue: readonly QueueCase[] };
test("there are queues in the table", () => assert.ok(cases.length >= 18));
for (const { name, limit, items, told } of cases) {
  test(`a full queue: ${name}`, async () => {
    const heard: string[] = [];
    const queue = new ObserverQueue(limit);
    for (const item of items) {
      queue.add(item.startsWith("!") ? "terminal" : "normal", () => void heard.push(item), () => void heard.push("overflow"));
      assert.ok(queue.length <= limit);
    }
    await turn();
    assert.deepEqual(heard, told);
    assert.equal(queue.length, 0);
  });
}

test("an overflow that was told may be told again", async () => {
  const heard: string[] = [];
  const queue = new ObserverQueue(2);
  for (let round = 0; round < 2; round++) {
    for (const item of ["a", "b", "c"]) queue.add("normal", () => void heard.push(item), () => void heard.push("overflow"));
    await turn();
  }
  assert.deepEqual(heard, ["overflow", "c", "overflow", "c"]);
});

test("an overflow has the ids of the newcomer that was too many", async () => {
  const seen: DiagnosticEvent[] = [];
  const manager = normalizeObserver({ onDiagnosticEvent: (event) => void (watch.look(event), seen.push(event)) }, { maxQueuedItems: 4 });
  const attempt = withObserverContext(manager, { path: "tunnel", traceId: "trace-0001", sessionId: "session-1", attemptSeq: 7 }) as ClientObserver;
  for (let i = 0; i < 4; i++) emitObserverDiagnostic(manager, { stage: "reconnect", code: "reconnect_attempt", result: "retry" });
  emitObserverDiagnostic(attempt, { stage: "connect", code: "connect_ok", result: "ok" });
  await turn();
  const { elapsed_ms, ...overflow } = seen.find(({ code }) => code === "diagnostics_overflow") as DiagnosticEvent;
  assert.ok(elapsed_ms >= 0);
  assert.deepEqual(overflow, {
    v: 1, namespace: "connect", path: "tunnel", stage: "reconnect", code_domain: "event", code: "diagnostics_overflow", result: "skip",
    attempt_seq: 7, trace_id: "trace-0001", session_id: "session-1",
  });
});
