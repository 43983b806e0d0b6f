// What a registry does for a call does not grow with the calls of others.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { PublicKey } from "../identity/index.js";
import { registryDefaults, unavailableMs } from "./limits.js";
import { Calls } from "./registry_calls.js";
import { ticketOf, type ChannelTicket } from "./ticket.js";

const keyOf = (n: number) => PublicKey.fromBytes(new Uint8Array(32).fill(1).fill(n & 255, 0, 1).fill(n >> 8, 1, 2));
const [a, b, c] = [keyOf(1), keyOf(2), keyOf(3)];
const ticket = (role: 1 | 2) =>
  ticketOf({ tunnel_url: "wss://t/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 1, role, token: "t", allowed_suites: [1], default_suite: 1 }) as ChannelTicket;
const grants = { client: ticket(1), server: ticket(2) };

/** Steps through maps and sets, those of copies included. */
function countSteps(t: TestContext, act: () => void): number {
  const mocks = [new Map().values(), new Set().values()].map((each) => t.mock.method(Object.getPrototypeOf(each) as Iterator<unknown>, "next"));
  act();
  const steps = mocks.reduce((sum, { mock }) => sum + mock.callCount(), 0);
  for (const { mock } of mocks) mock.restore();
  return steps;
}

/** A call of `a` to `b`, and one of `b` to `a`, that ring, behind those of so many others to one who is not there. */
function world(others: number) {
  const told: string[] = [];
  let names = 0;
  const nameOf = (key: PublicKey) => (key.equals(a) ? "a" : key.equals(b) ? "b" : "other");
  const calls: Calls = new Calls(registryDefaults, () => `n${++names}`, {
    send: (key, frame) => told.push(`${nameOf(key)} ${frame.type}`),
    isRegistered: (key) => !key.equals(c),
    mint: ({ callId }) => calls.minted(callId, grants),
  });
  for (let n = 0; n < others; n++) calls.call(keyOf(10 + n), { type: "call", rid: 1, to: c, eph: c }, 0);
  for (const [from, to] of [[a, b], [b, a]] as const) calls.call(from, { type: "call", rid: 1, to, eph: c }, 1);
  assert.deepEqual([told.splice(0), calls.size], [["b incoming", "a incoming"], others + 2]);
  return { calls, told };
}

for (const [name, act, heard, ended] of [
  ["cancel", (calls: Calls) => calls.frame(a, { type: "cancel", rid: 1 }), ["b cancelled"], 1],
  ["a caller and callee that leaves", (calls: Calls) => calls.left(a), ["b cancelled"], 1],
  ["somebody who leaves without a call", (calls: Calls) => calls.left(c), [], 0],
  ["a look at the time", (calls: Calls) => calls.advance(unavailableMs - 1), [], 0],
] as const) {
  test(`what others call costs nothing: ${name}`, (t) => {
    const steps = [1, 1_000].map((others) => {
      const { calls, told } = world(others);
      const taken = countSteps(t, () => act(calls));
      assert.deepEqual([told, calls.size], [heard, others + 2 - ended]);
      return taken;
    });
    assert.equal(steps[0], steps[1]);
  });
}

test("a call of a callee that left rings no more, and ends at its time; all of a moment end at once", () => {
  const { calls, told } = world(3);
  calls.left(a);
  told.splice(0);
  calls.frame(a, { type: "accept", callId: "n5", eph: c });
  assert.deepEqual([told, calls.size], [[], 4]);
  calls.advance(unavailableMs);
  assert.deepEqual([told.splice(0), calls.size], [["other error", "other error", "other error"], 1]);
  calls.advance(unavailableMs + 1);
  assert.deepEqual([told, calls.size, calls.deadline], [["b error"], 0, undefined]);
});
