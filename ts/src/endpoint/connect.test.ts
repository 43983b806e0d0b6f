import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { TimeoutError } from "../base/index.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { ManualClock } from "../testing/manual_clock.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { credential, fails, info, origin, triple, watch } from "../testing/world.js";
import { WsCloseError } from "../ws/socket.js";
import { acceptDirect, acceptDirectResolved, connectTunnel as attachServer, type DirectCredential } from "./accept.js";
import { connect, connectDirect, connectTunnel } from "./connect.js";

const grant = {
  tunnel_url: "wss://tunnel.example/ws", channel_id: " channel ", channel_init_expire_at_unix_s: info.channel_init_expire_at_unix_s,
  idle_timeout_seconds: 60, role: 1 as const, token: " token ", e2ee_psk_b64u: info.e2ee_psk_b64u, allowed_suites: [1 as const], default_suite: 1 as const,
};
const serverGrant = { ...grant, role: 2 as const };

/** What an observer hears, one word a line. */
function listener() {
  const heard: string[] = [];
  return {
    heard,
    onConnect: (path: string, result: string, reason: unknown) => void heard.push(`connect ${path} ${result} ${reason ?? ""}`.trim()),
    onAttach: (result: string, reason: unknown) => void heard.push(`attach ${result} ${reason ?? ""}`.trim()),
    onHandshake: (path: string, result: string, reason: unknown) => void heard.push(`handshake ${path} ${result} ${reason ?? ""}`.trim()),
    onDiagnosticEvent: (event: { code: string }) => {
      watch.look(event);
      if (event.code === "plaintext_transport") heard.push(event.code);
    },
  };
}

/** The tunnel: an attach from each side, then whatever they send, until `refuse` says otherwise. */
function throughTunnel(refuse?: string) {
  const [client, server] = PairedWebSocket.pair();
  const attaches: unknown[] = [];
  for (const side of [client, server]) {
    side.tamper = (data) => {
      if (typeof data !== "string") return data;
      attaches.push(JSON.parse(data));
      if (refuse !== undefined) setImmediate(() => side.drop(1008, refuse));
      return undefined;
    };
  }
  return { client, server, attaches };
}

test("through a tunnel: both attach as text, then talk; the ids are known", async () => {
  const { client, server, attaches } = throughTunnel();
  const seen = listener();
  const endpointInstanceId = "A".repeat(22);
  const [one, two] = await Promise.all([
    connectTunnel(grant, { origin, wsFactory: () => client, endpointInstanceId, observer: seen }),
    attachServer({ grant_server: serverGrant }, { origin, wsFactory: () => server }),
  ]);
  assert.deepEqual(attaches.find((each) => (each as { role: number }).role === 1), { v: 1, channel_id: "channel", role: 1, token: "token", endpoint_instance_id: endpointInstanceId });
  assert.equal((attaches.find((each) => (each as { role: number }).role === 2) as { endpoint_instance_id: string }).endpoint_instance_id, two.endpointInstanceId);
  assert.equal(two.endpointInstanceId?.length, 32);
  assert.deepEqual([one.path, one.endpointInstanceId, two.path], ["tunnel", endpointInstanceId, "tunnel"]);
  await turn();
  assert.deepEqual(seen.heard, ["connect tunnel ok", "attach ok", "handshake tunnel ok"]);
  one.close();
  await two.ended;
});

for (const token of [
  "too_many_connections", "expected_attach", "invalid_attach", "invalid_token", "channel_mismatch", "init_exp_mismatch", "idle_timeout_mismatch",
  "role_mismatch", "token_replay", "tenant_mismatch", "policy_denied", "policy_error", "replace_rate_limited", "attach_failed", "timeout", "canceled",
]) {
  test(`a tunnel that closes with ${token} refuses the attach, for both roles`, async () => {
    const seen = listener();
    await assert.rejects(connectTunnel(grant, { origin, wsFactory: () => throughTunnel(token).client, observer: seen }), (error) => {
      assert.ok((error as Error).cause instanceof WsCloseError);
      return fails(`tunnel/attach/${token}`)(error);
    });
    await turn();
    assert.deepEqual(seen.heard, ["connect tunnel ok", `attach fail ${token}`]);
    const opened = throughTunnel(token);
    opened.client.open();
    await assert.rejects(attachServer(serverGrant, { origin, wsFactory: () => opened.client }), fails(`tunnel/attach/${token}`));
  });
}

test("any other reason is the handshake's failure, and so is every reason on the direct path", async () => {
  const seen = listener();
  await assert.rejects(connectTunnel(grant, { origin, wsFactory: () => throughTunnel("bye").client, observer: seen }), fails("tunnel/handshake/handshake_failed"));
  await turn();
  assert.deepEqual(seen.heard, ["connect tunnel ok", "attach fail attach_failed", "handshake tunnel fail handshake_failed"]);
  const [client] = PairedWebSocket.pair();
  client.tamper = () => (setImmediate(() => client.drop(1008, "token_replay")), undefined);
  await assert.rejects(connectDirect(info, { origin, wsFactory: () => client }), fails("direct/handshake/handshake_failed"));
});

test("an attach that cannot be sent", async () => {
  const seen = listener();
  const { client } = throughTunnel();
  client.sendError = new Error("no");
  await assert.rejects(connectTunnel(grant, { origin, wsFactory: () => client, observer: seen }), fails("tunnel/attach/attach_failed"));
  await turn();
  assert.deepEqual(seen.heard, ["connect tunnel ok", "attach fail send_failed"]);
  assert.equal(client.closes.length, 1);
});

// ---- opening the socket

const openings: [string, (ws: PairedWebSocket, clock: ManualClock, stop: AbortController) => void, string, string][] = [
  ["an error", (ws) => ws.emit("error", new Error("refused")), "connect/dial_failed", "websocket_error"],
  ["a close", (ws) => ws.drop(1006), "connect/dial_failed", "websocket_closed"],
  ["too long a wait", (_, clock) => clock.advance(10_000), "connect/timeout", "timeout"],
  ["an abort", (_, __, stop) => stop.abort("enough"), "connect/canceled", "canceled"],
];
for (const [name, happen, expected, reason] of openings) {
  test(`a socket that does not open: ${name}`, async () => {
    const clock = new ManualClock();
    const stop = new CountedAbort();
    const seen = listener();
    const [ws] = PairedWebSocket.pair();
    const silent = Object.assign(ws, { open() {} });
    const connecting = connectDirect(info, { origin, wsFactory: () => silent, observer: seen, signal: stop.signal, clock });
    await turn();
    clock.advance(name === "too long a wait" ? 0 : 9_999);
    happen(ws, clock, stop);
    await assert.rejects(connecting, (error) => {
      if (reason === "canceled") assert.equal((error as Error).cause, "enough");
      return fails(`direct/${expected}`)(error);
    });
    await turn();
    assert.deepEqual(seen.heard, [`connect direct fail ${reason}`]);
    assert.deepEqual([ws.listening, stop.listeners, clock.pending, ws.readyState], [0, 0, 0, 3]);
  });
}

for (const [name, happen, code] of [
  ["an abort", (_: ManualClock, stop: AbortController) => stop.abort("enough"), "canceled"],
  ["the time that there is", (clock: ManualClock) => clock.advance(10_000), "timeout"],
] as const) {
  test(`a policy that does not answer is ended by ${name}, in each role`, async () => {
    const transportSecurityPolicy = () => new Promise<boolean>(() => {});
    const roles = [
      ["direct/connect", (options: object) => connectDirect(info, { origin, wsFactory: () => assert.fail("dialled"), ...options })],
      ["tunnel/connect", (options: object) => connectTunnel(grant, { origin, wsFactory: () => assert.fail("dialled"), ...options })],
      ["tunnel/connect", (options: object) => attachServer(serverGrant, { origin, wsFactory: () => assert.fail("dialled"), ...options })],
    ] as const;
    for (const [stage, start] of roles) {
      const [clock, stop, seen] = [new ManualClock(), new CountedAbort(), listener()];
      const connecting = start({ transportSecurityPolicy, clock, signal: stop.signal, observer: seen });
      await turn();
      happen(clock, stop);
      await assert.rejects(connecting, (error) => {
        if (code === "canceled") assert.equal((error as Error).cause, "enough");
        return fails(`${stage}/${code}`)(error);
      });
      await turn();
      assert.deepEqual([stop.listeners, clock.pending], [0, 0]);
    }
    const [clock, stop] = [new ManualClock(), new CountedAbort()];
    const [, socket] = PairedWebSocket.pair(false);
    const accepting = acceptDirect(socket, credential, { transportSecurityPolicy, clock, signal: stop.signal });
    await turn();
    happen(clock, stop);
    await assert.rejects(accepting, fails(`direct/handshake/${code}`));
    assert.deepEqual([stop.listeners, clock.pending, socket.listening, socket.readyState], [0, 0, 0, 3]);
  });
}

test("a factory that throws, a signal that has fired, a socket that is closed already", async () => {
  const why = new Error("no");
  const factory = () => {
    throw why;
  };
  await assert.rejects(connectDirect(info, { origin, wsFactory: factory }), (error) => (error as Error).cause === why && fails("direct/connect/dial_failed")(error));
  let made = 0;
  const counting = () => (made++, PairedWebSocket.pair()[0]);
  await assert.rejects(connectDirect(info, { origin, wsFactory: counting, signal: AbortSignal.abort("early") }), (error) => (error as Error).cause === "early" && fails("direct/connect/canceled")(error));
  assert.equal(made, 0);
  const [closed] = PairedWebSocket.pair(false);
  closed.readyState = 3;
  await assert.rejects(connectDirect(info, { origin, wsFactory: () => closed }), fails("direct/connect/dial_failed"));
});

test("a socket that is open already, and time-outs of 0, are fine", async () => {
  const [a, b] = PairedWebSocket.pair(false);
  const accepting = acceptDirect(b, credential, { handshakeTimeoutMs: 0 });
  const client = await connectDirect(info, { origin, wsFactory: () => a, connectTimeoutMs: 0, handshakeTimeoutMs: 0 });
  client.close();
  await (await accepting).ended;
});

test("plaintext that the policy let through is told before the dial", async () => {
  const seen = listener();
  const policy = "allow_plaintext_for_loopback" as const;
  const [a, b] = PairedWebSocket.pair();
  const accepting = acceptDirect(b, credential, { secureTransport: false, transportSecurityPolicy: policy });
  const client = await connectDirect({ ...info, ws_url: "ws://127.0.0.1/ws" }, { origin, wsFactory: () => a, transportSecurityPolicy: policy, observer: seen });
  await turn();
  assert.deepEqual(seen.heard, ["plaintext_transport", "connect direct ok", "handshake direct ok"]);
  client.close();
  await accepting;
});

test("events of connect() carry what the artifact's correlation says", async () => {
  const events: { code: string; trace_id?: string; session_id?: string; path: string }[] = [];
  const [a, b] = PairedWebSocket.pair();
  const accepting = acceptDirect(b, credential);
  const artifact = { v: 1 as const, transport: "direct" as const, direct_info: info, correlation: { v: 1 as const, trace_id: "trace-01", session_id: "session-1", tags: [] } };
  const client = await connect(artifact, { origin, wsFactory: () => a, observer: { onDiagnosticEvent: (event) => void events.push(event) } });
  await turn();
  assert.deepEqual(events.map(({ code, trace_id, session_id, path }) => [code, trace_id, session_id, path]), [
    ["connect_ok", "trace-01", "session-1", "direct"], ["handshake_ok", "trace-01", "session-1", "direct"],
  ]);
  client.close();
  await accepting;
});

// ---- in a page

test("in a page the browser's socket is used, for the page's own origin only", async () => {
  const scope = globalThis as { window?: unknown; WebSocket?: unknown };
  const before = scope.WebSocket;
  const [a, b] = PairedWebSocket.pair();
  const urls: string[] = [];
  scope.window = { location: { origin } };
  scope.WebSocket = class {
    constructor(url: string) {
      urls.push(url);
      return a;
    }
  };
  try {
    await assert.rejects(connectDirect(info, { origin: "https://other.example" }), fails("direct/validate/invalid_option"));
    const { connectDirectBrowser } = await import("./browser.js");
    const [client] = await Promise.all([connectDirectBrowser(info), acceptDirect(b, credential)]);
    client.close();
  } finally {
    delete scope.window;
    scope.WebSocket = before;
  }
  assert.deepEqual(urls, [info.ws_url]);
});

test("without a page there is no origin", async () => {
  const { connectBrowser, connectTunnelBrowser, connectDirectBrowser } = await import("./browser.js");
  await assert.rejects(connectBrowser({ v: 1, transport: "direct", direct_info: info }), fails("auto/validate/missing_origin"));
  await assert.rejects(connectTunnelBrowser(grant), fails("tunnel/validate/missing_origin"));
  await assert.rejects(connectDirectBrowser(info), fails("direct/validate/missing_origin"));
});

// ---- handshakes that fail

const now = () => Math.floor(Date.now() / 1000);
const serverSide: [string, Partial<DirectCredential>, string][] = [
  ["another key", { psk: new Uint8Array(32) }, "handshake/auth_tag_mismatch"],
  ["another channel", { channelId: "other" }, "handshake/handshake_failed"],
  ["another suite", { suite: 2 }, "handshake/invalid_suite"],
  ["a window that is over", { initExpireAtUnixS: now() - 100 }, "handshake/timestamp_after_init_exp"],
];
for (const [name, change, expected] of serverSide) {
  test(`a client and an endpoint with ${name}: precise there, handshake_failed here, both closed`, async () => {
    const [a, b] = PairedWebSocket.pair();
    const seen = listener();
    const results = await Promise.allSettled([connectDirect(info, { origin, wsFactory: () => a, observer: seen }), acceptDirect(b, { ...credential, ...change })]);
    assert.deepEqual(results.map((each) => each.status === "rejected" && triple(each.reason)), ["direct/handshake/handshake_failed", `direct/${expected}`]);
    await turn();
    assert.deepEqual(seen.heard, ["connect direct ok", "handshake direct fail handshake_failed"]);
    assert.deepEqual([a.readyState, b.readyState, a.listening, b.listening], [3, 3, 0, 0]);
  });
}

test("clocks too far apart, the skew rounded up", async () => {
  for (const [aheadS, handshakeClockSkewMs, expected] of [[31, 30_000, false], [29, 28_001, true]] as const) {
    const [a, b] = PairedWebSocket.pair();
    const startS = now();
    const [client, server] = await Promise.allSettled([
      connectDirect({ ...info, channel_init_expire_at_unix_s: startS + 600 }, { origin, wsFactory: () => a, clock: new ManualClock(startS) }),
      acceptDirect(b, { ...credential, initExpireAtUnixS: startS + 600 }, { handshakeClockSkewMs, clock: new ManualClock(startS + aheadS) }),
    ]);
    assert.equal(server.status === "fulfilled", expected);
    if (server.status === "rejected") assert.equal(triple(server.reason), "direct/handshake/timestamp_out_of_skew");
    if (client.status === "fulfilled") client.value.close();
  }
});

/** Fails as step n of what the client sends: nothing more arrives. */
for (const step of [0, 1, 2, 3]) {
  for (const how of ["timeout", "canceled"] as const) {
    test(`the network falls silent at message ${step} of the client: ${how}, and nothing is left`, async () => {
      const clock = new ManualClock(now());
      const stop = new CountedAbort();
      const [a, b] = PairedWebSocket.pair();
      let sent = 0;
      a.tamper = (data) => (sent++ < step ? data : undefined);
      if (step === 3) b.tamper = (data) => (b.sent.length >= 2 ? undefined : data);
      const accepting = acceptDirect(b, credential, { handshakeTimeoutMs: 0 }).catch(() => undefined);
      const connecting = connectDirect(info, { origin, wsFactory: () => a, signal: stop.signal, clock });
      connecting.catch(() => {});
      for (let i = 0; i < 30; i++) await turn();
      if (how === "timeout") clock.advance(10_000);
      else stop.abort("enough");
      if (step >= 2 && step !== 3) {
        // The handshake is over: opening the rpc stream needs no answer.
        const client = await connecting;
        client.close();
      } else {
        await assert.rejects(connecting, (error) => {
          if (how === "canceled") assert.equal((error as Error).cause, "enough");
          else assert.ok((error as Error).cause instanceof TimeoutError);
          return fails(`direct/handshake/${how}`)(error);
        });
      }
      (await accepting)?.close();
      await turn();
      assert.deepEqual([a.listening, stop.listeners, clock.pending, a.readyState], [0, 0, 0, 3]);
    });
  }
}

test("aborting in every turn of connecting and accepting leaves nothing behind", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const stop = new CountedAbort();
    const clock = new ManualClock(now());
    const [a, b] = PairedWebSocket.pair();
    const both = Promise.allSettled([
      connectDirect(info, { origin, wsFactory: () => a, signal: stop.signal, clock }),
      acceptDirectResolved(b, async () => (await turn(), credential), { signal: stop.signal, clock }),
    ]);
    for (let i = 0; i < turns; i++) await turn();
    stop.abort("enough");
    for (const each of await both) {
      if (each.status === "fulfilled") each.value.close();
      else assert.match(triple(each.reason), /^direct\/(connect|handshake|yamux)\/(canceled|handshake_failed)$/);
    }
    await turn();
    await turn();
    assert.deepEqual([a.listening, b.listening, stop.listeners, clock.pending, a.readyState, b.readyState], [0, 0, 0, 0, 3, 3], `after ${turns} turns`);
  }
});

test("what closing a socket throws joins the cause", async () => {
  const [a] = PairedWebSocket.pair();
  const stop = new AbortController();
  Object.assign(a, { open() {}, close() { throw new Error("cannot close"); } });
  const connecting = connectDirect(info, { origin, wsFactory: () => a, signal: stop.signal });
  await turn();
  stop.abort("enough");
  await assert.rejects(connecting, (error) => {
    const { cause } = error as { cause: AggregateError };
    assert.equal(cause.errors[0], "enough");
    assert.equal((cause.errors[1] as Error).message, "cannot close");
    return fails("direct/connect/canceled")(error);
  });
});
