// The times of a channel, on clocks of its ends: each at its edge and one past it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { CallPsk, Contacts, EphemeralKey, Identity } from "../identity/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { MemoryTunnel } from "../testing/rendezvous_world.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { Channel, type ChannelOptions } from "./channel.js";
import * as limits from "./limits.js";
import { ticketOf, type ChannelTicket } from "./ticket.js";

const startS = 1_700_000_000;
const [a, b] = (await Promise.all([Identity.generate(), Identity.generate()])) as [Identity, Identity];
const [ofA, ofB] = await Promise.all([new Contacts(a).add(b.publicKey, "b"), new Contacts(b).add(a.publicKey, "a")]);
const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};

const ticket = (role: 1 | 2) => {
  const grant: ChannelInitGrant = {
    tunnel_url: "wss://tunnel.example/ws", channel_id: "c", channel_init_expire_at_unix_s: startS + 200_000, idle_timeout_seconds: 300, role, token: "t",
    e2ee_psk_b64u: "A".repeat(43), allowed_suites: [1], default_suite: 1,
  };
  return ticketOf(grant) as ChannelTicket;
};

/** Both ends of one call, which may have clocks of their own. */
async function ends(): Promise<{ keys: [CallPsk, CallPsk]; sockets: PairedWebSocket[]; options(clock: ManualClock): ChannelOptions }> {
  const [x, y] = await Promise.all([EphemeralKey.generate(), EphemeralKey.generate()]);
  const keys = await Promise.all([
    CallPsk.derive("caller", { own: a, peer: ofA, ownEphemeral: x, peerEphemeral: y.publicKey, channelId: "c" }),
    CallPsk.derive("callee", { own: b, peer: ofB, ownEphemeral: y, peerEphemeral: x.publicKey, channelId: "c" }),
  ]);
  const tunnel = new MemoryTunnel();
  const sockets: PairedWebSocket[] = [];
  const wsFactory = () => {
    const [own, others] = PairedWebSocket.pair();
    sockets.push(own);
    tunnel.accept(others);
    return own;
  };
  return { keys, sockets, options: (clock) => ({ wsFactory, origin: "https://page.example", clock }) };
}

test("from the grant to a session there are 20 s, in each role", async () => {
  for (const role of ["call", "answer"] as const) {
    const { keys, options } = await ends();
    const clock = new ManualClock(startS);
    let isOver = false;
    const joining = Channel[role](ticket(role === "call" ? 1 : 2), keys[0], options(clock), () => {}).finally(() => (isOver = true));
    const failed = assert.rejects(joining, { code: "timeout" });
    await turns();
    clock.advance(limits.channelTimeoutMs - 1);
    await turns();
    assert.equal(isOver, false);
    clock.advance(1);
    await failed;
  }
});

test("clocks may differ by a day, and not by a second more", async () => {
  for (const secondsMore of [0, 1]) {
    const { keys, options } = await ends();
    const apart = limits.channelClockSkewMs / 1000 + secondsMore;
    const outcomes = await Promise.allSettled([
      Channel.call(ticket(1), keys[0], options(new ManualClock(startS)), () => {}),
      Channel.answer(ticket(2), keys[1], options(new ManualClock(startS + apart)), () => {}),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status), secondsMore === 0 ? ["fulfilled", "fulfilled"] : ["rejected", "rejected"]);
    for (const outcome of outcomes) if (outcome.status === "fulfilled") outcome.value.close();
  }
});

test("a channel is probed every 25 s; one that does not answer is lost after 10 s", async () => {
  const { keys, sockets, options } = await ends();
  const [ours, theirs] = [new ManualClock(startS), new ManualClock(startS)];
  const [caller, callee] = await Promise.all([
    Channel.call(ticket(1), keys[0], options(ours), () => {}),
    Channel.answer(ticket(2), keys[1], options(theirs), () => {}),
  ]);
  let isOver = false;
  void caller.ended.then(() => (isOver = true));
  ours.advance(limits.probeIntervalMs);
  await turns(); // answered
  for (const socket of sockets) socket.peer.tamper = () => undefined; // nothing gets through any more
  ours.advance(limits.probeIntervalMs - 1);
  await turns();
  ours.advance(limits.probeTimeoutMs);
  await turns();
  assert.equal(isOver, false);
  ours.advance(1);
  await turns();
  assert.equal(isOver, true);
  callee.close();
});
