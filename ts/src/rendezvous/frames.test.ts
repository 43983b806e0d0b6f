// Frames of a registry: the table that C++ shares, sizes, and tickets that nothing connects with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectTunnel } from "../endpoint/index.js";
import type { ChannelInitGrant } from "../gen/flowersec/controlplane/v1.gen.js";
import { CallPsk, Contacts, EphemeralKey, Identity } from "../identity/index.js";
import { mutated } from "../testing/mutations.js";
import { readSharedJson } from "../testing/repository.js";
import { decodeClientFrame, decodeServerFrame, encodeClientFrame, encodeServerFrame } from "./frames.js";
import { maxRegistryFrameBytes } from "./limits.js";
import { artifactOf, noPsk, ticketOf, wireGrantOf, type ChannelTicket } from "./ticket.js";

interface Case {
  name: string;
  from: "client" | "registry";
  text: string;
  as?: object;
  answer?: object;
}
const { cases } = readSharedJson("testdata/rendezvous/frames.json") as { cases: Case[] };

for (const { name, from, text, as, answer } of cases) {
  test(`the shared table: ${name}`, () => {
    if (from === "registry") {
      const frame = decodeServerFrame(text);
      const written = frame === undefined ? undefined : frame.type === "unknown" ? JSON.stringify(frame) : encodeServerFrame(frame);
      return assert.equal(written, as && JSON.stringify(as));
    }
    const frame = decodeClientFrame(text);
    if (frame.type !== "refused") return assert.equal(frame.type === "unknown" ? JSON.stringify(frame) : encodeClientFrame(frame), JSON.stringify(as));
    const said = encodeServerFrame({ type: "error", code: "invalid_frame", rid: frame.rid, fatal: frame.rid === undefined });
    assert.equal(said, JSON.stringify(answer));
    assert.equal(as, undefined);
  });
}

test("a frame of 16 384 bytes is read, one byte more is not, also when characters are fewer", () => {
  const frame = (padding: string) => `{"type":"ping","t":1,"x":"${padding}"}`;
  const room = maxRegistryFrameBytes - frame("").length;
  assert.equal(decodeServerFrame(frame("x".repeat(room)))?.type, "ping");
  assert.equal(decodeServerFrame(frame("x".repeat(room + 1))), undefined);
  assert.equal(decodeServerFrame(frame("é".repeat(room / 2 + 1))), undefined);
  assert.equal(decodeClientFrame(frame("x".repeat(room))).type, "ping");
  assert.equal(decodeClientFrame(frame("x".repeat(room + 1))).type, "refused");
});

test("whatever becomes of a frame on the way, reading it throws nothing", async () => {
  const pieces = ['"', "{", "}", "null", "1e400", "\\ud800", ',"type":"call"', ",", "-1"];
  for (const [seed, { from, text, as }] of cases.entries()) {
    if (as === undefined) continue;
    await mutated(text, pieces, { seed, rounds: 20 }, (changed) => void (from === "client" ? decodeClientFrame(changed) : decodeServerFrame(changed)));
  }
});

const grant: ChannelInitGrant = {
  tunnel_url: "wss://t.example/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 300, role: 1, token: "t",
  e2ee_psk_b64u: "B".repeat(42) + "A", allowed_suites: [1], default_suite: 1,
};

async function derived(): Promise<CallPsk> {
  const [a, b] = await Promise.all([Identity.generate(), Identity.generate()]);
  const peer = await new Contacts(a).add(b.publicKey, "b");
  const [x, y] = await Promise.all([EphemeralKey.generate(), EphemeralKey.generate()]);
  return CallPsk.derive("caller", { own: a, peer, ownEphemeral: x, peerEphemeral: y.publicKey, channelId: "c" });
}

test("a ticket drops the key that a registry delivers, and only a derived one makes an artifact of it", async () => {
  const ticket = ticketOf(grant) as ChannelTicket;
  assert.ok(!JSON.stringify(ticket).includes(grant.e2ee_psk_b64u));
  assert.equal(wireGrantOf(ticket).e2ee_psk_b64u, noPsk);
  const psk = await derived();
  const artifact = artifactOf(ticket, psk);
  assert.deepEqual(artifact, { v: 1, transport: "tunnel", tunnel_grant: { ...grant, e2ee_psk_b64u: Buffer.from(psk.value).toString("base64url") } });
  // @ts-expect-error: a text is no CallPsk
  assert.throws(() => artifactOf(ticket, grant.e2ee_psk_b64u), TypeError);
  // @ts-expect-error: nor are bytes
  assert.throws(() => artifactOf(ticket, new Uint8Array(32)), TypeError);
  // @ts-expect-error: nor is what looks like one
  assert.throws(() => artifactOf(ticket, { value: new Uint8Array(32), wipe() {} }), TypeError);
  // @ts-expect-error: a ticket is no grant
  const connect = () => connectTunnel(ticket, { origin: "https://a.example" });
  await assert.rejects(connect(), { stage: "validate" });
  // @ts-expect-error: and a grant is no ticket
  const wrong: ChannelTicket = grant;
  assert.ok(wrong);
});
