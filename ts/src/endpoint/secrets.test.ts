// What becomes of the copies of a pre-shared key that this package makes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64url, encodeBase64url } from "../base/index.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { info, origin } from "../testing/world.js";
import { connectTunnel as attachServer } from "./accept.js";
import { connectDirect, connectTunnel } from "./connect.js";

const key = new Uint8Array(32).map((_, i) => i + 100);
const e2ee_psk_b64u = encodeBase64url(key);
const grant = {
  tunnel_url: "wss://tunnel.example/ws", channel_id: "c", channel_init_expire_at_unix_s: info.channel_init_expire_at_unix_s,
  idle_timeout_seconds: 60, role: 1 as const, token: "t", e2ee_psk_b64u, allowed_suites: [1 as const], default_suite: 1 as const,
};

/** How often a copy of the key was overwritten while `work` failed. */
async function wiped(work: () => Promise<unknown>): Promise<number> {
  const { fill } = Uint8Array.prototype;
  let count = 0;
  Uint8Array.prototype.fill = function (this: Uint8Array, ...args: Parameters<typeof fill>) {
    if (this.length === key.length && this.every((byte, i) => byte === key[i]) && args[0] === 0) count++;
    return fill.apply(this, args);
  } as typeof fill;
  try {
    await assert.rejects(work());
  } finally {
    Uint8Array.prototype.fill = fill;
  }
  return count;
}

const steps: [string, object][] = [
  ["the origin", { origin: "" }],
  ["the options", { connectTimeoutMs: -1 }],
  ["the policy", { transportSecurityPolicy: () => false }],
  ["dialling", { wsFactory: () => { throw new Error("no network"); } }],
  ["the handshake", {}],
];
for (const [name, change] of steps) {
  test(`a connect that fails at ${name} leaves no copy of the key`, async () => {
    const [ws] = PairedWebSocket.pair();
    const options = { origin, handshakeTimeoutMs: 1, wsFactory: () => ws, ...change };
    assert.ok((await wiped(() => connectDirect({ ...info, e2ee_psk_b64u }, options))) >= 1);
    assert.ok((await wiped(() => connectTunnel(grant, options))) >= 1);
    assert.ok((await wiped(() => attachServer({ ...grant, role: 2 }, options))) >= 1);
  });
}

test("a key is recognised as this test does it", () => assert.deepEqual(decodeBase64url(e2ee_psk_b64u, 32), key));
