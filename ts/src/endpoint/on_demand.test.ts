// Parts of connecting that load on demand, and do not: a page that lost its network, or whose server has a newer build.
import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";
import { FlowersecError } from "../base/index.js";
import { forceCrypto } from "../crypto/index.js";
import { webCrypto } from "../crypto/browser/provider.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { FakeWebSocket } from "../testing/fake_web_socket.js";
import { info, origin } from "../testing/world.js";
import { connect, connectDirect, connectTunnel } from "./connect.js";
import type { ConnectOptions, DirectConnectOptions } from "./options.js";

// What is imported from now on, and has been imported by nobody, is not there, or never comes.
register(
  "data:text/javascript," +
    encodeURIComponent(`
      const lost = /(check_options|read_artifact|failure_names|noble\\/provider|noble\\/aes)\\.js$/;
      export async function resolve(specifier, context, next) {
        if (lost.test(specifier)) throw new Error("lost " + specifier);
        return specifier.endsWith("normalized.js") ? new Promise(() => {}) : next(specifier, context);
      }`),
);

const grant = {
  tunnel_url: "wss://tunnel.example/ws", channel_id: "c", channel_init_expire_at_unix_s: info.channel_init_expire_at_unix_s, idle_timeout_seconds: 60,
  role: 1 as const, token: "t", e2ee_psk_b64u: info.e2ee_psk_b64u, allowed_suites: [1 as const], default_suite: 1 as const,
};
const artifact = { v: 1 as const, transport: "direct" as const, direct_info: info };
let dialled = 0;
const wsFactory = () => (dialled++, new FakeWebSocket());

const isLoadError = (error: unknown): boolean => error instanceof Error && (error.message.startsWith("lost ") || isLoadError(error.cause));
const isLost = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof FlowersecError, String(error));
  assert.equal(`${error.path}/${error.stage}/${error.code}`, expected);
  assert.ok(isLoadError(error.cause), "the cause says what could not be loaded");
  return true;
};

const unseen: [string, Partial<DirectConnectOptions>][] = [
  ["a time-out", { connectTimeoutMs: 5 }],
  ["a limit", { yamuxLimits: { maxActiveStreams: 1 } }],
  ["a policy that allows everything", { transportSecurityPolicy: () => true }],
];
for (const [name, given] of unseen) {
  test(`${name} that cannot be looked at lets nothing be dialled`, async () => {
    await assert.rejects(connectDirect(info, { origin, wsFactory, ...given }), isLost("direct/connect/dial_failed"));
    assert.equal(dialled, 0);
  });
}

for (const url of ["ws://127.0.0.1/ws", "ws://endpoint.example/ws", "wss://[2001:db8::1]/ws", "http://endpoint.example"]) {
  test(`${url} is not dialled when it cannot be judged`, async () => {
    await assert.rejects(connectDirect({ ...info, ws_url: url }, { origin, wsFactory }), isLost("direct/connect/dial_failed"));
    assert.equal(dialled, 0);
  });
}

const scope = { scope: "app.files", scope_version: 1, critical: true, payload: {} };
for (const [name, given] of [["scopes", { ...artifact, scoped: [scope] }], ["nothing good", { v: 2 }]] as const) {
  test(`an artifact with ${name} that cannot be read lets nothing be dialled`, async () => {
    const options: ConnectOptions = { origin, wsFactory, scopeResolvers: { "app.files": () => {} } };
    await assert.rejects(connect(given as never, options), isLost("auto/connect/dial_failed"));
    assert.equal(dialled, 0);
  });
}

test("whoever gives up while something loads is told so at once", async () => {
  const abort = new CountedAbort();
  const connecting = connectDirect(info, { origin, wsFactory, observer: { onConnect() {} }, signal: abort.signal });
  while (abort.listeners === 0) await new Promise(setImmediate);
  abort.abort("enough");
  await assert.rejects(connecting, { path: "direct", stage: "connect", code: "canceled", cause: "enough" });
  assert.deepEqual([dialled, abort.listeners], [0, 0]);
});

test("a malformed grant is invalid input when nobody can say what is wrong with it", async () => {
  await assert.rejects(connectTunnel({ ...grant, token: undefined } as never, { origin, wsFactory }), { path: "tunnel", stage: "validate", code: "invalid_input" });
  assert.equal(dialled, 0);
});

test("a handshake that fails has the general name when its own cannot be loaded, and its cause", async () => {
  const ws = new FakeWebSocket();
  const connecting = connectTunnel(grant, { origin, wsFactory: () => ws });
  const failed = assert.rejects(connecting, (error) => error instanceof FlowersecError && error.stage === "handshake" && error.code === "handshake_failed" && (error.cause as { reason?: string }).reason === "token_replay");
  while (ws.sent.length === 0) await new Promise(setImmediate);
  ws.emit("close", { code: 1008, reason: "token_replay" });
  await failed;
  assert.equal(ws.listening, 0);
});

test("a platform without X25519 whose substitute cannot be loaded makes no session", async () => {
  const { subtle } = globalThis.crypto;
  const generateKey = () => Promise.reject(new DOMException("no X25519", "NotSupportedError"));
  forceCrypto(webCrypto(new Proxy(subtle, { get: (of, name) => (name === "generateKey" ? generateKey : (of[name as keyof SubtleCrypto] as () => unknown).bind(of)) })));
  try {
    const ws = new FakeWebSocket();
    await assert.rejects(connectDirect(info, { origin, wsFactory: () => ws }), isLost("direct/handshake/handshake_failed"));
    assert.equal(ws.sent.length, 0);
    assert.deepEqual([ws.listening, ws.closes.length], [0, 1]);
  } finally {
    forceCrypto(undefined);
  }
});
