// Whole clients with a registry and a tunnel in memory: messages, channels, cuts.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";
import type { ReceivedMessage, SecureSocketOptions } from "./options.js";

async function worldOf(t: TestContext, options: Parameters<typeof RendezvousWorld.create>[0] = {}): Promise<RendezvousWorld> {
  const world = await RendezvousWorld.create(options);
  t.after(() => world.close());
  return world;
}

/** What arrives, and a promise of so much of it. */
function inbox(): { onMessage: NonNullable<SecureSocketOptions["onMessage"]>; received: ReceivedMessage[]; until(n: number): Promise<unknown[]> } {
  const received: ReceivedMessage[] = [];
  let look = () => {};
  return {
    received,
    onMessage(error, message) {
      if (error === null && message !== undefined) received.push(message);
      look();
    },
    until: (n) =>
      new Promise((resolve) => {
        look = () => received.length >= n && resolve(received.map(({ message }) => message));
        look();
      }),
  };
}

for (const transport of ["sealed", "text"] as const) {
  test(`two clients exchange messages both ways, ${transport}`, async (t) => {
    const world = await worldOf(t);
    const [ofA, ofB] = await acquainted();
    const [atA, atB] = [inbox(), inbox()];
    const a = await world.client("a", ofA, { ...atA, transport });
    const b = await world.client("b", ofB, { ...atB, transport });
    await a.send(ofA.find("bob")!, { content: "hello" });
    await b.send(keyOf(ofA).text, ["to", { you: null }]);
    await a.send(`registry.example/${keyOf(ofB).text}`, 3);
    assert.deepEqual(await atB.until(2), [{ content: "hello" }, 3]);
    assert.deepEqual(await atA.until(1), [["to", { you: null }]]);
    assert.equal(atB.received[0]?.type, "MESSAGE");
    assert.equal(atB.received[0]?.from, ofB.find("alice"));
    assert.equal(world.tunnel.channels.length, 2, "one channel is enough for both directions");
  });
}
