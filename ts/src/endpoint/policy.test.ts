import assert from "node:assert/strict";
import { test } from "node:test";
import { readSharedJson } from "../testing/repository.js";
import { judgeTransport, splitAuthority } from "./authority.js";
import {
  AllowPlaintextForLoopback, createNetworkPlaintextPolicy, PlaintextRiskAcceptance, RequireTLS, type TransportPolicyInput,
  type TransportSecurityPolicy,
} from "./policy.js";

interface Table {
  readonly listed: readonly string[];
  readonly urls: readonly { readonly url: string; readonly passes: readonly string[] }[];
  readonly told: readonly { readonly url: string; readonly scheme: string; readonly host: string }[];
  readonly hosts: readonly { readonly host: string; readonly listed: boolean }[];
  readonly made: readonly { readonly hosts: readonly string[]; readonly acceptance: never; readonly made: boolean }[];
}
const table = readSharedJson("testdata/transport_policy_cases.json") as Table;
const riskAcceptance = PlaintextRiskAcceptance;
const policies: Readonly<Record<string, TransportSecurityPolicy>> = {
  require_tls: RequireTLS, loopback: AllowPlaintextForLoopback, network: createNetworkPlaintextPolicy({ allowedHosts: table.listed, riskAcceptance }), anything: () => true,
};

test("there are addresses in the table", () => assert.ok(table.urls.length >= 50 && table.hosts.length >= 55));
const spelling = ["ws://127.0.0.1:8080/ws?x#y", "wss://endpoint example", "ws://127.0.0.1 "];
for (const { url, passes } of [...table.urls, ...spelling.map((url, i) => ({ url, passes: i === 0 ? ["loopback", "anything"] : [] }))]) {
  test(`${url || "an empty URL"} passes ${passes.join(", ") || "nothing"}`, async () => {
    for (const [name, policy] of Object.entries(policies)) {
      const { allowed } = await judgeTransport(policy, "direct", url);
      assert.equal(allowed, passes.includes(name), name);
    }
    assert.equal((await judgeTransport(undefined, "direct", url)).allowed, passes.includes("require_tls"), "the default");
  });
}

for (const { url, scheme, host } of table.told) {
  test(`a policy is told of ${url}`, async () => {
    const seen: TransportPolicyInput[] = [];
    await judgeTransport((input) => (seen.push(input), true), "direct", url);
    assert.deepEqual(seen, [{ path: "direct", scheme, host, runtime: "node" }]);
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

for (const { host, listed } of table.hosts) {
  test(`a network policy ${listed ? "lists" : "does not take"} ${host || "an empty host"}`, () => {
    const make = () => createNetworkPlaintextPolicy({ allowedHosts: ["10.0.0.1", host], riskAcceptance });
    if (listed) assert.equal(make()({ path: "direct", scheme: "ws", host, runtime: "node" }), true);
    else assert.throws(make, RangeError);
  });
}

for (const { hosts: allowedHosts, acceptance, made } of table.made) {
  test(`a network policy of ${allowedHosts.length} hosts, ${JSON.stringify(acceptance)}: ${made ? "made" : "refused"}`, () => {
    const make = () => createNetworkPlaintextPolicy({ allowedHosts, riskAcceptance: acceptance });
    if (made) assert.doesNotThrow(make);
    else assert.throws(make, RangeError);
  });
}

test("hosts are judged as written", () => {
  assert.deepEqual(splitAuthority("HTTP://127.1:80/a?b#c"), { scheme: "http", host: "127.1", rest: "/a?b#c" });
});
