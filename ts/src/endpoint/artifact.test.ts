import assert from "node:assert/strict";
import { test } from "node:test";
import { assertConnectArtifact } from "./artifact.js";

const grant = {
  tunnel_url: "wss://tunnel.example/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 60, role: 1, token: "t",
  e2ee_psk_b64u: "p", allowed_suites: [1, 2], default_suite: 1,
};
const info = { ws_url: "wss://endpoint.example/ws", channel_id: "c", e2ee_psk_b64u: "p", channel_init_expire_at_unix_s: 1, default_suite: 2 };
const tunnel = { v: 1, transport: "tunnel", tunnel_grant: grant };
const direct = { v: 1, transport: "direct", direct_info: info };
const scope = { scope: "app.files", scope_version: 1, critical: true, payload: { a: 1 } };
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
const text = (n: number) => "x".repeat(n);

const bad: [string, unknown, RegExp][] = [
  ["nothing", null, /^bad ConnectArtifact$/],
  ["JSON text", JSON.stringify(tunnel), /^bad ConnectArtifact$/],
  ["a list", [tunnel], /^bad ConnectArtifact$/],
  ["a raw grant", grant, /^bad ConnectArtifact\.v$/],
  ["a wrapper", { grant_client: grant }, /^bad ConnectArtifact\.v$/],
  ["no version", { ...tunnel, v: undefined }, /^bad ConnectArtifact\.v$/],
  ["version 2", { ...tunnel, v: 2 }, /^bad ConnectArtifact\.v$/],
  ["version as text", { ...tunnel, v: "1" }, /^bad ConnectArtifact\.v$/],
  ["another transport", { ...tunnel, transport: "quic" }, /^bad ConnectArtifact\.transport$/],
  ["no transport", { ...tunnel, transport: undefined }, /^bad ConnectArtifact\.transport$/],
  ["no grant", { ...tunnel, tunnel_grant: undefined }, /^bad TunnelClientConnectArtifact\.tunnel_grant$/],
  ["grant null", { ...tunnel, tunnel_grant: null }, /^bad TunnelClientConnectArtifact\.tunnel_grant$/],
  ["no info", { ...direct, direct_info: undefined }, /^bad DirectClientConnectArtifact\.direct_info$/],
  ["the other body too", { ...tunnel, direct_info: info }, /^bad TunnelClientConnectArtifact\.direct_info$/],
  ["the other body as null", { ...direct, tunnel_grant: null }, /^bad DirectClientConnectArtifact\.tunnel_grant$/],
  ["an unknown key", { ...tunnel, extra: 1 }, /^bad TunnelClientConnectArtifact\.extra$/],
  ["an unknown key, direct", { ...direct, extra: 1 }, /^bad DirectClientConnectArtifact\.extra$/],
  ["the server's grant", { ...tunnel, tunnel_grant: { ...grant, role: 2 } }, /^bad TunnelClientConnectArtifact\.tunnel_grant\.role$/],
  ["a grant without token", { ...tunnel, tunnel_grant: { ...grant, token: undefined } }, /^bad TunnelClientConnectArtifact\.tunnel_grant\.token$/],
  ["a suite nobody knows", { ...direct, direct_info: { ...info, default_suite: 3 } }, /^bad DirectClientConnectArtifact\.direct_info\.default_suite$/],
  ["scopes null", { ...tunnel, scoped: null }, /^bad ConnectArtifact\.scoped$/],
  ["scopes as object", { ...tunnel, scoped: {} }, /^bad ConnectArtifact\.scoped$/],
  ["nine scopes", { ...tunnel, scoped: Array.from({ length: 9 }, (_, i) => ({ ...scope, scope: `s${i}` })) }, /^bad ConnectArtifact\.scoped$/],
  ["a scope twice", { ...tunnel, scoped: [scope, { ...scope, scope_version: 2 }] }, /^bad ConnectArtifact\.scoped$/],
  ["a scope's unknown key", { ...tunnel, scoped: [{ ...scope, more: 1 }] }, /^bad ScopeMetadataEntry\.more$/],
  ["a scope's name", { ...tunnel, scoped: [{ ...scope, scope: "App" }] }, /^bad ScopeMetadataEntry\.scope$/],
  ["a name of 65", { ...tunnel, scoped: [{ ...scope, scope: text(65) }] }, /^bad ScopeMetadataEntry\.scope$/],
  ["a name with a line end", { ...tunnel, scoped: [{ ...scope, scope: "a\n" }] }, /^bad ScopeMetadataEntry\.scope$/],
  ["scope version 0", { ...tunnel, scoped: [{ ...scope, scope_version: 0 }] }, /^bad ScopeMetadataEntry\.scope_version$/],
  ["scope version 65536", { ...tunnel, scoped: [{ ...scope, scope_version: 65536 }] }, /^bad ScopeMetadataEntry\.scope_version$/],
  ["critical null", { ...tunnel, scoped: [{ ...scope, critical: null }] }, /^bad ScopeMetadataEntry\.critical$/],
  ["critical missing", { ...tunnel, scoped: [{ ...scope, critical: undefined }] }, /^bad ScopeMetadataEntry\.critical$/],
  ["payload a list", { ...tunnel, scoped: [{ ...scope, payload: [] }] }, /^bad ScopeMetadataEntry\.payload$/],
  ["payload null", { ...tunnel, scoped: [{ ...scope, payload: null }] }, /^bad ScopeMetadataEntry\.payload$/],
  ["payload of 8193 bytes", { ...tunnel, scoped: [{ ...scope, payload: { a: text(8193 - 8) } }] }, /^bad ScopeMetadataEntry\.payload$/],
  ["payload of 9 levels", { ...tunnel, scoped: [{ ...scope, payload: { x: nested(8) } }] }, /^bad ScopeMetadataEntry\.payload$/],
  ["correlation null", { ...tunnel, correlation: null }, /^bad ConnectArtifact\.correlation$/],
  ["correlation v", { ...tunnel, correlation: { v: 2 } }, /^bad CorrelationContext\.v$/],
  ["correlation without v", { ...tunnel, correlation: {} }, /^bad CorrelationContext\.v$/],
  ["correlation's unknown key", { ...tunnel, correlation: { v: 1, more: 1 } }, /^bad CorrelationContext\.more$/],
  ["tags null", { ...tunnel, correlation: { v: 1, tags: null } }, /^bad CorrelationContext\.tags$/],
  ["nine tags", { ...tunnel, correlation: { v: 1, tags: Array.from({ length: 9 }, (_, i) => ({ key: `k${i}`, value: "" })) } }, /^bad CorrelationContext\.tags$/],
  ["a tag twice", { ...tunnel, correlation: { v: 1, tags: [{ key: "k", value: "1" }, { key: "k", value: "2" }] } }, /^bad CorrelationContext\.tags$/],
  ["a tag's key", { ...tunnel, correlation: { v: 1, tags: [{ key: "K", value: "" }] } }, /^bad CorrelationKV\.key$/],
  ["a key of 33", { ...tunnel, correlation: { v: 1, tags: [{ key: text(33), value: "" }] } }, /^bad CorrelationKV\.key$/],
  ["a value of 129 bytes", { ...tunnel, correlation: { v: 1, tags: [{ key: "k", value: text(129) }] } }, /^bad CorrelationKV\.value$/],
  ["a tag's unknown key", { ...tunnel, correlation: { v: 1, tags: [{ key: "k", value: "", more: 1 }] } }, /^bad CorrelationKV\.more$|^bad CorrelationContext\.tags/],
];
for (const [name, value, message] of bad) {
  test(`refused: ${name}`, () => assert.throws(() => assertConnectArtifact(value), { message }));
}

const good: [string, Record<string, unknown>][] = [
  ["tunnel", tunnel],
  ["direct", direct],
  ["unknown keys inside the body", { ...tunnel, tunnel_grant: { ...grant, more: { a: 1 } } }],
  ["eight scopes", { ...tunnel, scoped: Array.from({ length: 8 }, (_, i) => ({ ...scope, scope: `s${i}` })) }],
  ["the longest name", { ...tunnel, scoped: [{ ...scope, scope: `a${text(63)}`, scope_version: 65535 }] }],
  ["payload of 8192 bytes", { ...tunnel, scoped: [{ ...scope, payload: { a: text(8192 - 8) } }] }],
  ["payload of 8 levels", { ...tunnel, scoped: [{ ...scope, payload: { x: nested(7) } }] }],
  ["a default suite outside the list, which connecting refuses", { ...tunnel, tunnel_grant: { ...grant, allowed_suites: [2] } }],
];
for (const [name, value] of good) {
  test(`accepted, kept and frozen: ${name}`, () => {
    const artifact = assertConnectArtifact(value);
    assert.deepEqual(artifact, value);
    assert.notEqual(artifact, value);
    assert.ok(Object.isFrozen(artifact) && (artifact.scoped === undefined || Object.isFrozen(artifact.scoped)));
  });
}

const ids: [string, unknown, string | undefined][] = [
  ["fits", "trace-01", "trace-01"],
  ["is trimmed", "  trace-01\n", "trace-01"],
  ["of 128", text(128), text(128)],
  ["too short", "trace-1", undefined],
  ["too long", text(129), undefined],
  ["another character", "trace 01", undefined],
  ["null", null, undefined],
];
for (const [name, given, kept] of ids) {
  test(`correlation id: ${name}`, () => {
    for (const key of ["trace_id", "session_id"] as const) {
      const { correlation } = assertConnectArtifact({ ...tunnel, correlation: { v: 1, [key]: given } });
      assert.deepEqual(correlation, kept === undefined ? { v: 1, tags: [] } : { v: 1, [key]: kept, tags: [] });
      assert.ok(Object.isFrozen(correlation?.tags));
    }
  });
}

test("the size of a payload does not depend on the order of its keys, and what holds itself is refused", () => {
  const loop: Record<string, unknown> = {};
  loop["loop"] = loop;
  for (const payload of [loop, { big: 1n }]) {
    assert.throws(() => assertConnectArtifact({ ...tunnel, scoped: [{ ...scope, payload }] }), { message: /^bad ScopeMetadataEntry\.payload/ });
  }
});
