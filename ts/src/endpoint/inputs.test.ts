import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64url, FlowersecError, type FlowersecErrorCode, type FlowersecPath } from "../base/index.js";
import type { DiagnosticEvent } from "../observability/index.js";
import { readSharedJson } from "../testing/repository.js";
import { SecretWatch } from "../testing/secret_watch.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { connect, connectDirect, connectTunnel } from "./connect.js";
import { acceptDirect, connectTunnel as connectTunnelEndpoint } from "./accept.js";
import { connectNode, connectTunnelEndpointNode } from "./node.js";
import type { DirectConnectOptions, ScopeResolver, TunnelConnectOptions } from "./options.js";

const keyOf = (bytes: number) => encodeBase64url(new Uint8Array(bytes).fill(9));
const psk = keyOf(32);
const watch = new SecretWatch(psk);
const grant = {
  tunnel_url: "wss://tunnel.example/ws", channel_id: "c", channel_init_expire_at_unix_s: 1, idle_timeout_seconds: 60, role: 1, token: "t",
  e2ee_psk_b64u: psk, allowed_suites: [1, 2], default_suite: 1,
};
const info = { ws_url: "wss://endpoint.example/ws", channel_id: "c", e2ee_psk_b64u: psk, channel_init_expire_at_unix_s: 1, default_suite: 2 };

/** Whoever gets here has dialled. */
class Dialled extends Error {}
const wsFactory = () => {
  throw new Dialled();
};
const options = { origin: "https://app.example", wsFactory };

async function codeOf(attempt: Promise<unknown>, path: FlowersecPath): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    watch.look(error);
    assert.ok(error instanceof FlowersecError, String(error));
    assert.equal(error.path, path);
    if (error.cause instanceof Dialled) return "dialled";
    assert.equal(error.stage, "validate");
    return error.code;
  }
  throw new Error("it cannot succeed");
}

type Expected = FlowersecErrorCode | "dialled";
type Change = Record<string, unknown>;
const without = (name: string): Change => ({ [name]: undefined });

/** Changes that grant and info share; first the code for the grant, then for the info. */
const shared: [Change, Expected][] = [
  [{}, "dialled"],
  [{ more: 1 }, "dialled"],
  [without("channel_id"), "missing_channel_id"],
  [{ channel_id: " " }, "missing_channel_id"],
  [{ channel_id: " c " }, "dialled"],
  [{ channel_id: "x".repeat(256) }, "dialled"],
  [{ channel_id: "x".repeat(257) }, "invalid_input"],
  [{ channel_id: "ä".repeat(129) }, "invalid_input"],
  [{ channel_id: 1 }, "invalid_input"],
  [{ channel_id: null }, "invalid_input"],
  [without("channel_init_expire_at_unix_s"), "missing_init_exp"],
  [{ channel_init_expire_at_unix_s: 0 }, "missing_init_exp"],
  [{ channel_init_expire_at_unix_s: -1 }, "missing_init_exp"],
  [{ channel_init_expire_at_unix_s: 1.5 }, "invalid_input"],
  [{ channel_init_expire_at_unix_s: "1" }, "invalid_input"],
  [without("e2ee_psk_b64u"), "invalid_psk"],
  [{ e2ee_psk_b64u: "" }, "invalid_psk"],
  [{ e2ee_psk_b64u: keyOf(31) }, "invalid_psk"],
  [{ e2ee_psk_b64u: keyOf(33) }, "invalid_psk"],
  [{ e2ee_psk_b64u: `${psk}=` }, "invalid_psk"],
  [{ e2ee_psk_b64u: ` ${psk} ` }, "dialled"],
  [without("default_suite"), "invalid_suite"],
  [{ default_suite: 0 }, "invalid_suite"],
  [{ default_suite: 3 }, "invalid_suite"],
  [{ default_suite: 1.5 }, "invalid_input"],
  [{ default_suite: "1" }, "invalid_input"],
];
const ofGrant: [Change, Expected][] = [
  ...shared,
  [without("role"), "role_mismatch"],
  [{ role: 2 }, "role_mismatch"],
  [{ role: 3 }, "role_mismatch"],
  [{ role: "1" }, "invalid_input"],
  [without("tunnel_url"), "missing_tunnel_url"],
  [{ tunnel_url: " " }, "missing_tunnel_url"],
  [{ tunnel_url: 1 }, "invalid_input"],
  [without("token"), "missing_token"],
  [{ token: " " }, "missing_token"],
  [without("idle_timeout_seconds"), "invalid_input"],
  [{ idle_timeout_seconds: 2 ** 31 }, "invalid_input"],
  [without("allowed_suites"), "invalid_input"],
  [{ allowed_suites: "1" }, "invalid_input"],
  [{ allowed_suites: [] }, "invalid_suite"],
  [{ allowed_suites: [2] }, "invalid_suite"],
  [{ allowed_suites: [1, 3] }, "invalid_suite"],
  [{ allowed_suites: [1, "2"] }, "invalid_input"],
  // Of several defects the first in the order of the checks.
  [{ role: 2, tunnel_url: undefined }, "role_mismatch"],
  [{ tunnel_url: undefined, channel_id: undefined }, "missing_tunnel_url"],
  [{ role: 2, token: 5 }, "invalid_input"],
  [{ default_suite: 9, token: 5 }, "invalid_suite"],
  [{ tunnel_url: "", channel_id: "", token: "" }, "missing_tunnel_url"],
  [{ channel_id: "", token: "" }, "missing_channel_id"],
  [{ token: "", channel_init_expire_at_unix_s: 0 }, "missing_token"],
  [{ channel_init_expire_at_unix_s: 0, e2ee_psk_b64u: "" }, "missing_init_exp"],
  [{ allowed_suites: [2], e2ee_psk_b64u: "" }, "invalid_suite"],
];
const ofInfo: [Change, Expected][] = [
  ...shared,
  [without("ws_url"), "missing_ws_url"],
  [{ ws_url: "" }, "missing_ws_url"],
  [{ ws_url: 1 }, "invalid_input"],
  [{ ws_url: undefined, channel_id: undefined }, "missing_ws_url"],
];
const named = (change: Change) => Object.entries(change).map(([name, value]) => `${name} ${JSON.stringify(value)?.slice(0, 30)}`).join(", ") || "nothing";

for (const [change, expected] of ofGrant) {
  test(`grant with ${named(change)}: ${expected}`, async () => {
    assert.equal(await codeOf(connectTunnel({ ...grant, ...change } as never, options), "tunnel"), expected);
    // The endpoint's grant is checked the same way, for the other role.
    const swapped = typeof change["role"] === "number" ? { ...change, role: 3 - change["role"] } : change;
    assert.equal(await codeOf(connectTunnelEndpoint({ ...grant, role: 2, ...swapped } as never, options), "tunnel"), expected);
  });
}
for (const [change, expected] of ofInfo) {
  test(`info with ${named(change)}: ${expected}`, async () => {
    assert.equal(await codeOf(connectDirect({ ...info, ...change } as never, options), "direct"), expected);
  });
}

for (const [value, expected] of [[null, "missing_grant"], [undefined, "missing_grant"], ["text", "invalid_input"], [5, "invalid_input"], [{ grant_client: grant }, "role_mismatch"]] as const) {
  test(`${JSON.stringify(value)} as a grant: ${expected}`, async () => {
    assert.equal(await codeOf(connectTunnel(value as never, options), "tunnel"), expected);
  });
}
test("an endpoint takes its grant in a wrapper too", async () => {
  assert.equal(await codeOf(connectTunnelEndpoint({ grant_server: { ...grant, role: 2 } } as never, options), "tunnel"), "dialled");
  assert.equal(await codeOf(connectTunnelEndpoint({ grant_server: null } as never, options), "tunnel"), "missing_grant");
});
for (const [value, expected] of [[null, "missing_connect_info"], [undefined, "missing_connect_info"], ["text", "invalid_input"]] as const) {
  test(`${JSON.stringify(value)} as an info: ${expected}`, async () => {
    assert.equal(await codeOf(connectDirect(value as never, options), "direct"), expected);
  });
}

// ---- options

const bad = (name: string, ...values: unknown[]): [Change, Expected][] => values.map((value) => [{ [name]: value }, "invalid_option"]);
const good = (name: string, ...values: unknown[]): [Change, Expected][] => values.map((value) => [{ [name]: value }, "dialled"]);
const optionCases: [Change, Expected][] = [
  ...["connectTimeoutMs", "handshakeTimeoutMs"].flatMap((name) => [...bad(name, -1, NaN, Infinity, "1"), ...good(name, 0, 0.5, undefined)]),
  ...bad("clientFeatures", -1, 1.5, 2 ** 32, NaN, "1"), ...good("clientFeatures", 0, 2 ** 32 - 1),
  ...["maxHandshakePayload", "maxRecordBytes", "maxBufferedBytes", "maxOutboundBufferedBytes"].flatMap((name) => [
    ...bad(name, -1, 1.5, NaN, 2 ** 53, "1"), ...good(name, 0, 100_000),
  ]),
  ...bad("maxRecordBytes", 34), ...good("maxRecordBytes", 35),
  ...bad("outboundRecordChunkBytes", 0, -1, 1.5, 1_048_543), ...good("outboundRecordChunkBytes", 1, 1_048_542),
  [{ maxRecordBytes: 100, outboundRecordChunkBytes: 67 }, "invalid_option"],
  [{ maxRecordBytes: 100, outboundRecordChunkBytes: 66 }, "dialled"],
  ...bad("webSocketLimits", { maxInboundQueuedBytes: 0 }, { outboundLowWatermarkBytes: 2 ** 21 }), ...good("webSocketLimits", {}, { maxInboundQueuedBytes: 1 }),
  ...bad("yamuxLimits", { maxActiveStreams: 0 }, { maxInboundStreams: 65 }, { maxStreamReceiveBytes: 262_143 }), ...good("yamuxLimits", {}, { maxActiveStreams: 32 }),
  ...bad("yamuxLimits", ...[-1, 1.5, 2 ** 30 + 1].map((wideWindowSessionBytes) => ({ wideWindowSessionBytes }))),
  ...good("yamuxLimits", ...[0, 2 ** 30].map((wideWindowSessionBytes) => ({ wideWindowSessionBytes }))),
  ...bad("liveness", { intervalMs: -1 }, { timeoutMs: 0 }, { intervalMs: NaN }, { timeoutMs: Infinity }),
  ...good("liveness", false, {}, { intervalMs: 0 }, { intervalMs: 1, timeoutMs: 1 }),
  ...bad("wsFactory", undefined, "x", {}),
  [{ origin: "" }, "missing_origin"], [{ origin: " " }, "missing_origin"], [{ origin: undefined }, "missing_origin"], [{ origin: 1 }, "missing_origin"],
  [{ origin: "", connectTimeoutMs: -1 }, "missing_origin"],
  [{ transportSecurityPolicy: () => false }, "transport_policy_denied"],
  [{ transportSecurityPolicy: () => false, liveness: { intervalMs: -1 } }, "invalid_option"],
  [{ transportSecurityPolicy: () => false, wsFactory: undefined }, "transport_policy_denied"],
];
for (const [change, expected] of optionCases) {
  test(`options with ${named(change)}: ${expected}`, async () => {
    const changed = { ...options, ...change } as TunnelConnectOptions;
    assert.equal(await codeOf(connectTunnel(grant as never, changed), "tunnel"), expected);
    assert.equal(await codeOf(connectDirect(info as never, changed as never), "direct"), expected);
  });
}

const id = (n: number) => encodeBase64url(new Uint8Array(n));
for (const [endpointInstanceId, expected] of [
  [id(15), "invalid_endpoint_instance_id"], [id(16), "dialled"], [id(32), "dialled"], [id(33), "invalid_endpoint_instance_id"],
  ["", "invalid_endpoint_instance_id"], [`${id(24)}=`, "invalid_endpoint_instance_id"], [5, "invalid_endpoint_instance_id"], [` ${id(24)} `, "dialled"],
] as const) {
  test(`endpoint instance id ${endpointInstanceId}: ${expected}`, async () => {
    assert.equal(await codeOf(connectTunnel(grant as never, { ...options, endpointInstanceId } as never), "tunnel"), expected);
  });
}

test("a direct connection has no instance id, which is found out first", async () => {
  assert.equal(await codeOf(connectDirect(null as never, { ...options, endpointInstanceId: id(24) } as never), "direct"), "invalid_option");
});

test("the two options types do not fit each other", () => {
  const tunnelOptions: TunnelConnectOptions = { origin: "o", endpointInstanceId: id(24) };
  // @ts-expect-error an instance id is for tunnels
  const refused: Parameters<typeof connectDirect>[1] = tunnelOptions;
  const directOptions: DirectConnectOptions = { origin: "o" };
  // @ts-expect-error options of the direct path
  const refusedToo: TunnelConnectOptions = directOptions;
  assert.ok(refused && refusedToo);
});

test("arguments that are not there, or of another kind, are refused like those that make no sense", async () => {
  const none = undefined as never;
  const artifact = { v: 1, transport: "direct", direct_info: info } as never;
  const scoped = { ...(artifact as object), scoped: [{ scope: "a", scope_version: 1, critical: true, payload: {} }] } as never;
  for (const absent of [none, null as never]) {
    assert.equal(await codeOf(connectTunnel(grant as never, absent), "tunnel"), "missing_origin");
    assert.equal(await codeOf(connectTunnelEndpoint({ ...grant, role: 2 } as never, absent), "tunnel"), "missing_origin");
    assert.equal(await codeOf(connectDirect(info as never, absent), "direct"), "missing_origin");
    assert.equal(await codeOf(connect(artifact, absent), "direct"), "missing_origin");
    assert.equal(await codeOf(connect(scoped, absent), "direct"), "resolve_failed");
    assert.equal(await codeOf(connectNode(artifact, absent), "direct"), "missing_origin");
    assert.equal(await codeOf(connectTunnelEndpointNode({ ...grant, role: 2 } as never, absent), "tunnel"), "missing_origin");
    const [, socket] = PairedWebSocket.pair(false);
    assert.equal(await codeOf(acceptDirect(socket, absent), "direct"), "missing_channel_id");
    assert.equal(socket.readyState, 3);
  }
  const kinds: [string, unknown][] = [
    ["webSocketLimits", 5], ["webSocketLimits", null], ["yamuxLimits", "x"], ["liveness", true], ["liveness", 5], ["liveness", null],
    ["transportSecurityPolicy", "allow-plaintext-for-loopback"], ["transportSecurityPolicy", 5], ["transportSecurityPolicy", {}],
  ];
  for (const [name, value] of kinds) {
    assert.equal(await codeOf(connectDirect(info as never, { ...options, [name]: value } as never), "direct"), "invalid_option", `${name}: ${String(value)}`);
  }
});

// ---- the policy comes before the network, and scopes before both

test("nothing is dialled that the policy denies", async () => {
  let dialled = 0;
  const counting = { ...options, wsFactory: () => (dialled++, wsFactory()) };
  assert.equal(await codeOf(connectDirect({ ...info, ws_url: "ws://127.0.0.1" } as never, counting), "direct"), "transport_policy_denied");
  assert.equal(await codeOf(connectDirect({ ...info, ws_url: "no url" } as never, counting), "direct"), "transport_policy_denied");
  assert.equal(dialled, 0);
  assert.equal(await codeOf(connectDirect({ ...info, ws_url: "ws://127.0.0.1" } as never, { ...counting, transportSecurityPolicy: "allow_plaintext_for_loopback" }), "direct"), "dialled");
});

const artifact = { v: 1, transport: "direct", direct_info: info };
for (const [name, value] of Object.entries({ text: JSON.stringify(artifact), "a raw grant": grant, "a raw info": info, "a wrapper": { connect_artifact: artifact }, nothing: null })) {
  test(`connect() takes an artifact, not ${name}`, async () => {
    assert.equal(await codeOf(connect(value as never, options), "auto"), "invalid_input");
  });
}

interface ScopeCase {
  readonly name: string;
  readonly scoped: readonly object[];
  readonly resolvers: Readonly<Record<string, "accepts" | "refuses" | "throws">>;
  readonly relaxed?: boolean;
  readonly correlation?: { readonly trace_id?: string; readonly session_id?: string };
  /** Of each event; default those of `correlation`. */
  readonly ids?: readonly [string | null, string | null];
  readonly outcome: Expected;
  readonly asked: readonly string[];
  readonly events: readonly string[];
}
const { cases: scopeCases } = readSharedJson("testdata/scope_cases.json") as { cases: readonly ScopeCase[] };
for (const { name, scoped, resolvers, relaxed, correlation, ids, outcome, asked, events } of scopeCases) {
  test(`scopes: ${name}: ${outcome}`, async () => {
    const order: string[] = [];
    const seen: DiagnosticEvent[] = [];
    const resolver = (answer: string): ScopeResolver => ({ scope, scope_version }) => {
      order.push(`${scope} ${scope_version}`);
      if (answer === "throws") throw new Error("no");
      return answer === "refuses" ? Promise.reject(new Error("no")) : undefined;
    };
    const whole = { ...artifact, scoped, ...(correlation && { correlation }) };
    const code = await codeOf(connect(whole as never, {
      ...options,
      scopeResolvers: Object.fromEntries(Object.entries(resolvers).map(([scope, answer]) => [scope, resolver(answer)])),
      relaxedOptionalScopeValidation: relaxed,
      transportSecurityPolicy: () => (order.push("policy"), false),
      observer: { onDiagnosticEvent: (event) => void seen.push(event) },
    }), "direct");
    assert.equal(code, outcome);
    assert.deepEqual(order, asked);
    await new Promise(setImmediate);
    assert.deepEqual(seen.filter(({ stage }) => stage === "scope").map((event) => event.code), events);
    const [traceId, sessionId] = ids ?? [correlation?.trace_id, correlation?.session_id];
    for (const event of seen) assert.deepEqual([event.trace_id, event.session_id], [traceId ?? undefined, sessionId ?? undefined]);
  });
}

test("a scope with the name of a property of every object has no resolver", async () => {
  const scoped = [{ scope: "constructor", scope_version: 1, critical: true, payload: {} }];
  assert.equal(await codeOf(connect({ ...artifact, scoped } as never, { ...options, scopeResolvers: {} }), "direct"), "resolve_failed");
});

test("resolvers get the whole entry", async () => {
  const order: unknown[] = [];
  const scopeResolvers = { a: async (e: unknown) => void order.push(e), b: (e: unknown) => void order.push(e) };
  const entry = { scope_version: 3, critical: true, payload: { a: 1 } };
  const scoped = [{ ...entry, scope: "a" }, { ...entry, scope: "b", critical: false }];
  const transportSecurityPolicy = () => (order.push("policy"), false);
  await codeOf(connect({ ...artifact, scoped } as never, { ...options, scopeResolvers, transportSecurityPolicy }), "direct");
  assert.deepEqual(order, [...scoped, "policy"]);
});
