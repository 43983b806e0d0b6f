// Whole clients whose registries are gone, or say what nobody has said.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ChannelInitService } from "../controlplane/channel_init.js";
import { IssuerKeyset } from "../controlplane/issuer_keyset.js";
import { EphemeralKey } from "../identity/index.js";
import { acquainted, keyOf, RendezvousWorld } from "../testing/rendezvous_world.js";
import type { WebSocketFactory } from "../ws/socket.js";
import { encodeServerFrame } from "./frames.js";
import { ticketOf, type ChannelTicket } from "./ticket.js";

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

for (const whose of ["smaller", "larger"] as const) {
  test(`a registry that says again and again that the contact calls keeps nobody from meeting at another one: the ${whose} key calls`, { timeout: 15_000 }, async (t) => {
    const [good, evil] = [await worldOf(t), await worldOf(t)];
    const all = await acquainted();
    const [own, others] = whose === "smaller" ? all : [all[1], all[0]];
    await good.client("other", others, { onMessage: () => {} });
    const service = new ChannelInitService(IssuerKeyset.random("k1"), { tunnelUrl: "wss://tunnel.example/ws", tunnelAudience: "a", issuerId: "i" });
    const { publicKey: eph } = await EphemeralKey.generate();
    let forged = 0;
    const forge = () => {
      const callId = `forged ${++forged}`;
      const ticket = ticketOf(service.issue(callId).server) as ChannelTicket;
      evil.sockets[0]?.receive(encodeServerFrame({ type: "incoming", callId, from: keyOf(others), eph, ticket }));
    };
    const wsFactory: WebSocketFactory = (url, origin) => (url.includes("evil") ? evil : good).factory("own")(url, origin);
    const a = await good.client("own", own, {
      url: undefined, registryKeys: undefined, transport: "text", connect: { wsFactory },
      registries: [good, evil].map(({ registry }, n) => ({ url: `wss://${["good", "evil"][n]}.example`, registryKeys: [registry.publicKey] })),
      onState: (event) => event.type === "channel" && event.state === "calling" && forge(),
    });
    while (a.registryState("wss://evil.example") !== "registered") await new Promise(setImmediate);
    for (let n = 1; n <= 3; n++) {
      await a.send(keyOf(others), n);
      assert.equal(forged, n);
      good.tunnel.cut();
    }
  });
}
