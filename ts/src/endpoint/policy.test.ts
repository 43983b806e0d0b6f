import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeTransport, splitAuthority } from "./authority.js";
import {
  AllowPlaintextForLoopback, createNetworkPlaintextPolicy, PlaintextRiskAcceptance, RequireTLS, type TransportPolicyInput,
  type TransportSecurityPolicy,
} from "./policy.js";

const network = createNetworkPlaintextPolicy({ allowedHosts: ["192.168.1.7", "2001:db8::1"], riskAcceptance: PlaintextRiskAcceptance });
const policies: [string, TransportSecurityPolicy | undefined][] = [
  ["default", undefined], ["require TLS", RequireTLS], ["loopback", AllowPlaintextForLoopback], ["network", network], ["anything", () => true],
];

/** For each URL the policies, by first letter, that let it pass. */
const table: [string, string][] = [
  ["wss://endpoint.example/ws", "drlna"],
  ["WSS://Endpoint.Example:8443", "drlna"],
  ["ws://endpoint.example/ws", "a"],
  ["ws://127.0.0.1/ws", "la"],
  ["ws://127.0.0.1:8080/ws?x#y", "la"],
  ["ws://127.255.255.255", "la"],
  ["ws://localhost", "la"],
  ["ws://LOCALHOST/ws", "la"],
  ["ws://[::1]:80/ws", "la"],
  ["ws://127.1", "a"],
  ["ws://0127.0.0.1", "a"],
  ["ws://127.0.0.01", "a"],
  ["ws://127.0.0.256", "a"],
  ["ws://2130706433", "a"],
  ["ws://127.0.0.1.example", "a"],
  ["ws://localhost.", "a"],
  ["ws://localhost.example", "a"],
  ["ws://[::ffff:127.0.0.1]", "a"],
  ["ws://192.168.1.7/ws", "na"],
  ["ws://192.168.1.70/ws", "a"],
  ["ws://[2001:DB8::1]/ws", "na"],
  ["ws://user@localhost/ws", ""],
  ["wss://user:password@endpoint.example", ""],
  ["wss://@endpoint.example", ""],
  ["wss://endpoint.example@evil.example", ""],
  ["http://127.0.0.1/ws", ""],
  ["https://endpoint.example", ""],
  ["wss://", ""],
  ["wss:///ws", ""],
  ["wss:endpoint.example", ""],
  ["//endpoint.example", ""],
  ["", ""],
  ["wss://endpoint.example:99999", ""],
  ["wss://endpoint.example:x", ""],
  ["wss://[::1", ""],
  ["wss://[1:2]/", ""],
  ["wss://endpoint example", ""],
  ["wss://localhost\\@evil.example", ""],
];
for (const [url, passing] of table) {
  test(`${url || "an empty URL"} passes ${passing || "nothing"}`, async () => {
    for (const [name, policy] of policies) {
      const { allowed } = await judgeTransport(policy, "direct", url);
      assert.equal(allowed, passing.includes(name.charAt(0)), name);
    }
  });
}

test("a policy is told path, scheme, host and runtime, and may take its time", async () => {
  const seen: TransportPolicyInput[] = [];
  const verdict = await judgeTransport(async (input) => (seen.push(input), true), "tunnel", "WS://[2001:DB8::1]:80/ws");
  assert.deepEqual(verdict, { allowed: true, plaintext: true });
  assert.deepEqual(seen, [{ path: "tunnel", scheme: "ws", host: "2001:db8::1", runtime: "node" }]);
});

test("anything but true, and an exception, denies", async () => {
  const answers: unknown[] = [false, 1, "true", undefined, Promise.resolve(1), Promise.reject(new Error("no"))];
  for (const answer of answers) {
    assert.equal((await judgeTransport((() => answer) as never, "direct", "wss://a.example")).allowed, false);
  }
  const throws = () => {
    throw new Error("no");
  };
  assert.equal((await judgeTransport(throws, "direct", "wss://a.example")).allowed, false);
});

test("nothing outside the presets is a policy", async () => {
  assert.equal((await judgeTransport("allow_all" as never, "direct", "ws://127.0.0.1")).allowed, false);
});

const refusedHosts = [
  "endpoint.example", "*", "*.example", "localhost", "127.0.0.1", "127.9.9.9", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "0.0.0.0",
  "010.0.0.1", "10.0.0.256", "10.0.0", "10.0.0.1:80", "[2001:db8::1]", "2001:DB8::1", "2001:db8:0::1", "2001:db8::0001", "::", "::1", "::ffff:a00:1",
  "::ffff:10.0.0.1", "ff02::1", "fe80::1", "febf::1", "fe80::1%eth0", "10.0.0.1/8", "a@10.0.0.1", "", " 10.0.0.1",
];
for (const host of refusedHosts) {
  test(`a network policy does not take ${host || "an empty host"}`, () => {
    assert.throws(() => createNetworkPlaintextPolicy({ allowedHosts: ["10.0.0.1", host], riskAcceptance: PlaintextRiskAcceptance }), RangeError);
  });
}

test("private addresses may be listed; a host and the acceptance are needed", () => {
  for (const host of ["10.0.0.1", "192.168.0.1", "172.16.0.1", "0.0.0.1", "223.255.255.255", "fd00::1", "fec0::1", "fe00::1", "::2", "2001:db8::1"]) {
    assert.doesNotThrow(() => createNetworkPlaintextPolicy({ allowedHosts: [host], riskAcceptance: PlaintextRiskAcceptance }), host);
  }
  assert.throws(() => createNetworkPlaintextPolicy({ allowedHosts: [], riskAcceptance: PlaintextRiskAcceptance }), RangeError);
  assert.throws(() => createNetworkPlaintextPolicy({ allowedHosts: ["10.0.0.1"], riskAcceptance: "yes" as never }), RangeError);
});

test("hosts are judged as written", () => {
  assert.deepEqual(splitAuthority("HTTP://127.1:80/a?b#c"), { scheme: "http", host: "127.1", rest: "/a?b#c" });
});
