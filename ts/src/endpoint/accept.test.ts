import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { TimeoutError, utf8 } from "../base/index.js";
import { RecordError, ServerHandshakeCache } from "../e2ee/index.js";
import { ManualClock } from "../testing/manual_clock.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { connected, credential, fails, info, origin, psk } from "../testing/world.js";
import { acceptDirect, acceptDirectResolved, type DirectCredential } from "./accept.js";
import { connectDirect } from "./connect.js";

const now = () => Math.floor(Date.now() / 1000);

test("acceptDirect checks before it reads, and closes the socket", async () => {
  const cases: [Partial<DirectCredential>, object, string][] = [
    [{ channelId: " " }, {}, "missing_channel_id"],
    [{ channelId: "x".repeat(257) }, {}, "invalid_input"],
    [{ initExpireAtUnixS: 0 }, {}, "missing_init_exp"],
    [{ initExpireAtUnixS: 1.5 }, {}, "missing_init_exp"],
    [{ psk: new Uint8Array(31) }, {}, "invalid_psk"],
    [{ psk: "AAAA" }, {}, "invalid_psk"],
    [{ suite: 3 as never }, {}, "invalid_suite"],
    [{}, { handshakeTimeoutMs: -1 }, "invalid_option"],
    [{}, { handshakeClockSkewMs: -1 }, "invalid_option"],
    [{}, { serverFeatures: -1 }, "invalid_option"],
    [{}, { secureTransport: false }, "transport_policy_denied"],
    [{}, { transportSecurityPolicy: () => false }, "transport_policy_denied"],
  ];
  for (const [change, options, code] of cases) {
    const [, b] = PairedWebSocket.pair();
    await assert.rejects(acceptDirect(b, { ...credential, ...change }, options), fails(`direct/validate/${code}`));
    assert.equal(b.readyState, 3, code);
  }
  await assert.rejects(acceptDirect(null as never, credential), fails("direct/validate/missing_conn"));
});

test("options that are null are none, and a socket that cannot be guarded is closed", async () => {
  for (const accepted of [(socket: PairedWebSocket) => acceptDirect(socket, credential, null as never), (socket: PairedWebSocket) => acceptDirectResolved(socket, () => credential, null as never)]) {
    const [a, b] = PairedWebSocket.pair();
    const [client, session] = await Promise.all([connectDirect(info, { origin, wsFactory: () => a }), accepted(b)]);
    client.close();
    await session.ended;
    const [, odd] = PairedWebSocket.pair();
    const broken = Object.assign(odd, { on() {}, addEventListener() { throw new Error("no listeners"); } });
    await assert.rejects(accepted(broken), { message: "no listeners" });
    assert.equal(odd.readyState, 3);
  }
});

test("a key may be given as base64url, and the caller's bytes are not touched", async () => {
  const own = psk.slice();
  const [a, b] = PairedWebSocket.pair();
  const [client, session] = await Promise.all([connectDirect(info, { origin, wsFactory: () => a }), acceptDirect(b, { ...credential, psk: own })]);
  assert.deepEqual(own, psk);
  client.close();
  await session.ended;
  const [c, d] = PairedWebSocket.pair();
  const [other] = await Promise.all([connectDirect(info, { origin, wsFactory: () => c }), acceptDirect(d, { ...credential, psk: info.e2ee_psk_b64u })]);
  other.close();
});

test("a resolver is told what the client says, before anything is proved", async () => {
  const [a, b] = PairedWebSocket.pair();
  const asked: unknown[] = [];
  const [client] = await Promise.all([
    connectDirect({ ...info, default_suite: 2 }, { origin, wsFactory: () => a, clientFeatures: 5 }),
    acceptDirectResolved(b, (each) => (asked.push(each), credential)),
  ]);
  assert.deepEqual(asked, [{ channelId: "channel", version: 1, suite: 2, clientFeatures: 0x10005 }]);
  client.close();
});

const resolvers: [string, () => never | Promise<never>, string][] = [
  ["throws", () => { throw new Error("no"); }, "validate/resolve_failed"],
  ["throws an error that looks like a time-out", () => { throw new TimeoutError(); }, "validate/resolve_failed"],
  ["finds no key", () => ({ initExpireAtUnixS: 1 }) as never, "validate/invalid_psk"],
  ["finds no end of the window", () => ({ psk }) as never, "validate/missing_init_exp"],
];
for (const [name, resolve, expected] of resolvers) {
  test(`a resolver that ${name}`, async () => {
    const [a, b] = PairedWebSocket.pair();
    const connecting = connectDirect(info, { origin, wsFactory: () => a }).catch(() => {});
    await assert.rejects(acceptDirectResolved(b, resolve), fails(`direct/${expected}`));
    await connecting;
    assert.equal(b.readyState, 3);
  });
}

const peeks: [string, object | string, string][] = [
  ["no channel", { channel_id: "" }, "validate/missing_channel_id"],
  ["a blank channel", { channel_id: "  " }, "validate/missing_channel_id"],
  ["a channel with spaces around it", { channel_id: " c" }, "validate/invalid_input"],
  ["a channel too long", { channel_id: "x".repeat(257) }, "validate/invalid_input"],
  ["version 2", { version: 2 }, "handshake/handshake_failed"],
  ["role 2", { role: 2 }, "handshake/handshake_failed"],
  ["suite 3", { suite: 3 }, "handshake/handshake_failed"],
  ["no JSON", "{", "handshake/handshake_failed"],
];
for (const [name, change, expected] of peeks) {
  test(`a first message with ${name} never reaches the resolver`, async () => {
    const [a, b] = PairedWebSocket.pair(false);
    let asked = 0;
    const accepting = acceptDirectResolved(b, () => (asked++, credential));
    const init = { channel_id: "c", role: 1, version: 1, suite: 1, client_eph_pub_b64u: "A".repeat(43), nonce_c_b64u: "A".repeat(43), client_features: 0 };
    const payload = utf8(typeof change === "string" ? change : JSON.stringify({ ...init, ...change }));
    a.send(Uint8Array.of(...utf8("FSEH"), 1, 1, 0, 0, payload.length >> 8, payload.length & 255, ...payload));
    await assert.rejects(accepting, fails(`direct/${expected}`));
    assert.equal(asked, 0);
    assert.equal(b.readyState, 3);
  });
}

test("one deadline covers the first message, the resolver, the handshake and the commit", async () => {
  const clock = new ManualClock(now());
  const never = new Promise<never>(() => {});
  const [, silent] = PairedWebSocket.pair(false);
  const first = acceptDirectResolved(silent, () => credential, { clock });
  await turn();
  clock.advance(10_000);
  await assert.rejects(first, fails("direct/handshake/timeout"));

  const [a, b] = PairedWebSocket.pair();
  const connecting = connectDirect(info, { origin, wsFactory: () => a }).catch(() => {});
  const second = acceptDirectResolved(b, () => (clock.advance(4_000), never), { clock });
  for (let i = 0; i < 10; i++) await turn();
  clock.advance(6_000);
  await assert.rejects(second, fails("direct/handshake/timeout"));
  await connecting;

  const [c, d] = PairedWebSocket.pair();
  const third = acceptDirect(d, { ...credential, commitAuthenticated: () => (clock.advance(9_999), never) }, { clock });
  const client = await connectDirect(info, { origin, wsFactory: () => c });
  for (let i = 0; i < 10; i++) await turn();
  clock.advance(1);
  await assert.rejects(third, fails("direct/handshake/timeout"));
  await client.ended;
  assert.equal(clock.pending, 0);
});

test("a credential is committed once the client has proved its key; a failure closes the connection", async () => {
  const order: string[] = [];
  const { client } = await (async () => {
    const [a, b] = PairedWebSocket.pair();
    const [client] = await Promise.all([
      connectDirect(info, { origin, wsFactory: () => a }),
      acceptDirectResolved(b, () => (order.push("resolve"), { ...credential, commitAuthenticated: async () => void order.push("commit") })),
    ]);
    return { client };
  })();
  assert.deepEqual(order, ["resolve", "commit"]);
  client.close();

  const [a, b] = PairedWebSocket.pair();
  const why = new Error("used");
  const accepting = acceptDirect(b, { ...credential, commitAuthenticated: () => Promise.reject(why) });
  const connecting = connectDirect(info, { origin, wsFactory: () => a }).catch(() => undefined);
  await assert.rejects(accepting, (error) => (error as Error).cause === why && fails("direct/handshake/credential_commit_failed")(error));
  await (await connecting)?.ended;

  const [c, d] = PairedWebSocket.pair();
  let committed = 0;
  const wrong = acceptDirect(d, { ...credential, psk: new Uint8Array(32), commitAuthenticated: () => void committed++ });
  await Promise.allSettled([wrong, connectDirect(info, { origin, wsFactory: () => c })]);
  assert.equal(committed, 0);
});

test("a shared cache, and limits of the records, reach the handshake and the channel", async () => {
  const handshakeCache = new ServerHandshakeCache({ maxEntries: 1 });
  const { client, session } = await connected({ maxRecordBytes: 100, outboundRecordChunkBytes: 10 }, { handshakeCache, maxRecordBytes: 200 });
  assert.equal(handshakeCache.size, 0);
  await session.acceptStream();
  const stream = await client.openStream("x");
  const { stream: other } = await session.acceptStream();
  const text = "a text of more than ten bytes, more than one record";
  await stream.write(utf8(text));
  await stream.close();
  let heard = "";
  for await (const chunk of other) heard += new TextDecoder().decode(chunk);
  assert.equal(heard, text);
  await other.write(new Uint8Array(500)).catch(() => {});
  const ended = await client.ended;
  const { cause } = ended?.cause as { cause?: unknown };
  assert.ok(cause instanceof RecordError, String(cause));
});
