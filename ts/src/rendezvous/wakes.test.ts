// The order of wakes, against a plain search.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Wakes, type Wakeable } from "./wakes.js";

interface Sleeper extends Wakeable {
  readonly id: number;
}

const sleeper = (id: number): Sleeper => ({ id, wakeAtMs: Infinity });

test("the earliest comes first, at its time and not before", () => {
  const wakes = new Wakes<Sleeper>();
  const [a, b, c] = [sleeper(1), sleeper(2), sleeper(3)];
  assert.equal(wakes.next, undefined);
  wakes.noLater(a, 30);
  wakes.noLater(b, 10);
  wakes.noLater(c, 20);
  assert.equal(wakes.next, 10);
  assert.equal(wakes.due(9), undefined);
  assert.deepEqual([wakes.due(20)?.id, wakes.due(20)?.id, wakes.due(20)], [2, 3, undefined]);
  assert.equal(b.wakeAtMs, Infinity);
  assert.equal(wakes.next, 30);
});

test("a wake is brought forward and not put off, and nobody is woken who was forgotten", () => {
  const wakes = new Wakes<Sleeper>();
  const [a, b] = [sleeper(1), sleeper(2)];
  wakes.noLater(a, 30);
  wakes.noLater(a, 40);
  assert.equal(wakes.next, 30);
  wakes.noLater(a, 10);
  assert.deepEqual([wakes.due(50)?.id, wakes.due(50)], [1, undefined], "once");
  wakes.noLater(a, 60);
  wakes.noLater(b, 70);
  wakes.forget(a);
  assert.equal(wakes.next, 70);
  assert.equal(wakes.due(70)?.id, 2);
});

test("a crowd comes in order, whatever it does meanwhile", () => {
  const wakes = new Wakes<Sleeper>();
  const crowd = Array.from({ length: 200 }, (_, id) => sleeper(id));
  let seed = 1;
  const draw = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let nowMs = 0; nowMs < 2_000; nowMs++) {
    const who = crowd[draw(crowd.length)] as Sleeper;
    if (draw(4) === 0) wakes.forget(who);
    else wakes.noLater(who, nowMs + 1 + draw(300));
    const least = Math.min(...crowd.map(({ wakeAtMs }) => wakeAtMs));
    assert.equal(wakes.next ?? Infinity, least);
    const due = crowd.filter(({ wakeAtMs }) => wakeAtMs <= nowMs).map(({ id }) => id);
    const woken: number[] = [];
    for (let next = wakes.due(nowMs); next !== undefined; next = wakes.due(nowMs)) woken.push(next.id);
    assert.deepEqual(woken.sort((a, b) => a - b), due);
  }
});
