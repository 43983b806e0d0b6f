// Whole clients whose registries are gone, or say what nobody has said.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";

async function worldOf(t: TestContext, options: Parameters<typeof RendezvousWorld.create>[0] = {}): Promise<RendezvousWorld> {
  const world = await RendezvousWorld.create(options);
  t.after(() => world.close());
  return world;
}

test("who is replaced talks on, and a message that a lost channel leaves fails with no_registry", async (t) => {
  const world = await worldOf(t);
  const [ofA, ofB] = await acquainted();
  let isTaken = true;
  const a = await world.client("a", ofA);
  await world.client("b", ofB, {
    onMessage: () => {
      if (!isTaken) throw new Error("not now");
    },
  });
  await a.send(keyOf(ofB), 1);
  await world.client("a2", ofA, { replace: true });
  while (a.registryState("wss://registry.example") !== "failed") await new Promise(setImmediate);
  await a.send(keyOf(ofB), 2);
  isTaken = false;
  await assert.rejects(a.send(keyOf(ofB), 3), { code: "no_registry" });
  await assert.rejects(a.open(keyOf(ofB)), { code: "no_registry" });
  assert.equal(a.channelState(keyOf(ofB)), "closed");
});
