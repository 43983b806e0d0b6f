// A registry that does not keep to the rules: whatever it exchanges, no channel comes of it and no message is taken.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Identity } from "../identity/index.js";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";

const other = await Identity.generate();
type Frame = Record<string, unknown> & { grant: Record<string, unknown> };

const lies: [name: string, change: (frame: Frame) => void][] = [
  ["another ephemeral key of the callee", (frame) => frame["type"] === "grant" && (frame["eph"] = other.publicKey.text)],
  ["another ephemeral key of the caller", (frame) => frame["type"] === "incoming" && (frame["eph"] = other.publicKey.text)],
  ["another channel id", (frame) => frame["type"] === "incoming" && (frame.grant["channel_id"] = "another")],
  ["another contact as caller", (frame) => frame["type"] === "incoming" && (frame["from"] = other.publicKey.text)],
];

for (const [name, change] of lies) {
  test(`a registry that says ${name} breaks the handshake, and nothing else`, async (t) => {
    const world = await RendezvousWorld.create();
    t.after(() => world.close());
    world.tamper = (text) => {
      const frame = JSON.parse(text) as Frame;
      change(frame);
      return JSON.stringify(frame);
    };
    const [ofA, ofB] = await acquainted();
    await ofB.add(other.publicKey, "another contact");
    const received: unknown[] = [];
    const quick = (address: string) => ({ transport: "text" as const, calls: { maxAttempts: 1 }, connect: { wsFactory: world.factory(address), handshakeTimeoutMs: 300 } });
    const a = await world.client("a", ofA, quick("a"));
    await world.client("b", ofB, { ...quick("b"), onMessage: (_, message) => message && received.push(message) });
    await assert.rejects(a.send(keyOf(ofB), "secret"), { code: "channel_failed" });
    assert.deepEqual(received, []);
    for (const seen of world.tunnel.seen) assert.ok(!Buffer.from(seen).includes("secret"));
  });
}

test("a key that a registry delivers is of no use: the channel has the derived one", async (t) => {
  const world = await RendezvousWorld.create();
  t.after(() => world.close());
  world.tamper = (text) => text.replace("A".repeat(43), other.publicKey.text);
  const [ofA, ofB] = await acquainted();
  const a = await world.client("a", ofA, { transport: "text" });
  await world.client("b", ofB, { transport: "text", onMessage: () => {} });
  await a.send(keyOf(ofB), 1);
});
