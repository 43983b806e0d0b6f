// Whole clients whose channel ends while nobody says anything on it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock, type Clock } from "../base/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";
import type { SecureSocketEvent } from "./options.js";

const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
};

/** A channel that the first one called for, and the states of both ends since. */
async function idle(world: RendezvousWorld, clock: Clock = systemClock) {
  const [ofA, ofB] = await acquainted();
  const states: [string[], string[]] = [[], []];
  const noting = (at: 0 | 1) => ({ onMessage: () => {}, onState: (event: SecureSocketEvent) => event.type === "channel" && void states[at].push(event.state) });
  const [a, b] = [await world.client("a", ofA, { ...noting(0), clock }), await world.client("b", ofB, noting(1))];
  await a.send(keyOf(ofB), 1);
  await turns();
  for (const each of states) each.length = 0;
  return { ofA, ofB, a, b, states };
}

test("a channel that is cut while nobody uses it is got back by the side that had called", async (t) => {
  const world = await RendezvousWorld.create();
  t.after(() => world.close());
  const { states } = await idle(world);
  world.tunnel.cut();
  while (states.some((each) => each.at(-1) !== "open")) await new Promise(setImmediate);
  assert.deepEqual(states, [["waiting", "calling", "open"], ["closed", "calling", "open"]]);
  assert.equal(world.tunnel.channels.length, 4);
});

for (const end of ["the callee closes", "the callee blocks the caller", "the caller closes its session"] as const) {
  test(`a channel that somebody left is not got back: ${end}`, async (t) => {
    const world = await RendezvousWorld.create();
    t.after(() => world.close());
    const clock = new ManualClock(Math.floor(Date.now() / 1000));
    const { ofA, ofB, a, b, states } = await idle(world, clock);
    if (end === "the callee closes") await b.close();
    else if (end === "the caller closes its session") (await a.open(keyOf(ofB))).close();
    else {
      ofB.block(keyOf(ofA));
      b.refreshContacts();
    }
    while (states[0].length === 0) await new Promise(setImmediate);
    clock.advance(1_000); // the first attempt would begin after 5 ms
    await turns();
    assert.deepEqual([states[0], world.tunnel.channels.length], [["closed"], 2]);
  });
}
