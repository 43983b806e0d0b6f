import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocketServer, type WebSocket } from "ws";
import { encodeBase64url, utf8, type FlowersecError } from "../base/index.js";
import { decodeOpen, SealedError, type SealedErrorCode } from "../sealed/index.js";
import { ServerKeyPair } from "../sealed/key_pair.js";
import { ManualClock } from "../testing/manual_clock.js";
import { PairedWebSocket } from "../testing/socket_pair.js";
import { fails, origin, triple } from "../testing/world.js";
import { WsCloseError } from "../ws/socket.js";
import { acceptSealed, type SealedCredentials } from "./accept_sealed.js";
import { connectSealed, type SealedConnectInfo } from "./connect_sealed.js";
import { acceptSealedNode, connectSealedNode } from "./node.js";
import type { DirectAcceptOptions, DirectConnectOptions } from "./options.js";

const pairOf = (byte: number) => new ServerKeyPair(encodeBase64url(new Uint8Array(32).fill(byte)));
const [own, other] = [pairOf(1), pairOf(2)];
const info: SealedConnectInfo = { wsUrl: "wss://gateway.example/ws", serverKeys: [own.publicKey] };
const credentials: SealedCredentials = { keys: [own] };

/** Both roles on two joined sockets; what is said of each failure. */
async function meet(
  clientInfo: Partial<SealedConnectInfo> = {},
  server: Partial<SealedCredentials> = {},
  clientOptions: Partial<DirectConnectOptions> = {},
  serverOptions: DirectAcceptOptions = {},
) {
  const sockets = PairedWebSocket.pair();
  const [client, session] = await Promise.allSettled([
    connectSealed({ ...info, ...clientInfo }, { origin, wsFactory: () => sockets[0], ...clientOptions }),
    acceptSealed(sockets[1], { ...credentials, ...server }, serverOptions),
  ]);
  return { client, session, sockets };
}
const refusal = (code: SealedErrorCode, expected = "direct/handshake/handshake_failed") => (error: unknown) =>
  triple(error) === expected && (error as Error).cause instanceof SealedError && ((error as Error).cause as SealedError).code === code;
/** A socket to accept on, and what was said to its client at the end. */
function served(options: DirectAcceptOptions = {}, server: SealedCredentials = credentials) {
  const [client, socket] = PairedWebSocket.pair(false);
  const closed = new Promise<unknown[]>((resolve) => client.addEventListener("close", ({ code, reason }) => resolve([code, reason])));
  return { client, socket, closed, accepting: acceptSealed(socket, server, options) };
}

for (const suite of [1, 2] as const) {
  test(`suite ${suite}: both find each other; the open message is the only text, and shows no key`, async () => {
    const { client, session, sockets } = await meet({ suite });
    assert.ok(client.status === "fulfilled" && session.status === "fulfilled");
    const texts = sockets[0].sent.filter((sent) => typeof sent === "string");
    assert.deepEqual([texts.length, sockets[0].sent[0]], [1, texts[0]]);
    const open = decodeOpen(texts[0] as string);
    assert.deepEqual([open.kid, open.suite, open.channelId.length], [own.kid, suite, 32]);
    const stream = await client.value.openStream("chat");
    await stream.write(utf8("hello"));
    for (;;) {
      const { kind, stream: theirs } = await session.value.acceptStream();
      if (kind !== "chat") continue; // calls
      assert.deepEqual(await theirs.read(), utf8("hello"));
      break;
    }
    client.value.close();
    assert.equal(triple(await session.value.ended), "direct/close/not_connected");
  });
}

test("options that are null are none, and a socket that cannot be guarded is closed", async () => {
  const { client, session } = await meet({}, {}, {}, null as never);
  assert.ok(client.status === "fulfilled" && session.status === "fulfilled");
  client.value.close();
  await session.value.ended;
  const [, odd] = PairedWebSocket.pair();
  const broken = Object.assign(odd, { on() {}, addEventListener() { throw new Error("no listeners"); } });
  await assert.rejects(acceptSealed(broken, credentials), fails("direct/handshake/handshake_failed"));
  assert.equal(odd.readyState, 3);
});

test("two connections have other channels and other keys", async () => {
  const texts = await Promise.all([1, 2].map(async () => (await meet()).sockets[0].sent[0] as string));
  const [a, b] = texts.map((text) => decodeOpen(text));
  assert.notEqual(a?.channelId, b?.channelId);
  assert.notDeepEqual(a?.sealed, b?.sealed);
});

test("every key of the server is accepted, whatever its place; a function is asked each time", async () => {
  let asked = 0;
  const keys = () => (asked++, [other, own]);
  for (const serverKeys of [[own.publicKey], [other.publicKey, own.publicKey]]) {
    assert.equal((await meet({ serverKeys }, { keys })).client.status, "fulfilled");
  }
  assert.equal(asked, 2);
});

test("a wrong pin: unknown_key, and nothing but the open message and INIT was sent", async () => {
  const { client, session, sockets } = await meet({ serverKeys: [other.publicKey, own.publicKey] });
  assert.ok(client.status === "rejected" && session.status === "rejected");
  assert.ok(refusal("unknown_key")(session.reason));
  assert.equal(triple(client.reason), "direct/handshake/handshake_failed");
  const cause = (client.reason as Error).cause as WsCloseError;
  assert.deepEqual([cause.name, cause.code, cause.reason], ["WsCloseError", 1008, "unknown_key"]);
  assert.ok(sockets[0].sent.length <= 2);
});

test("a forged server that ignores the id has no key: the handshake fails", async () => {
  // It names its own key as the pinned one, and can do no better than to guess.
  const forged = Object.assign(Object.create(other) as ServerKeyPair, { kid: own.kid, open: () => Promise.resolve(new Uint8Array(32)) });
  const { client, sockets } = await meet({}, { keys: [forged] });
  assert.ok(client.status === "rejected");
  assert.match(triple(client.reason), /^direct\/handshake\//);
  assert.ok(sockets[0].sent.length <= 3, "open message, INIT, ACK");
});

test("INIT must name the channel and the suite that were opened", async () => {
  for (const change of [{ channel_id: "another" }, { suite: 2 }]) {
    const sockets = PairedWebSocket.pair();
    sockets[0].tamper = (data) => {
      if (typeof data === "string") return data;
      const text = Buffer.from(data).toString("latin1");
      const at = text.indexOf("{");
      if (!text.startsWith("FSEH") || at < 0) return data;
      const body = Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(data.subarray(at)).toString()) as object), ...change }));
      const frame = Buffer.concat([data.subarray(0, at), body]);
      frame.writeUInt32BE(body.length, at - 4);
      return Uint8Array.from(frame);
    };
    const connecting = connectSealed(info, { origin, wsFactory: () => sockets[0] });
    connecting.catch(() => {});
    await assert.rejects(acceptSealed(sockets[1], credentials), (error) => /^direct\/(handshake|validate)\//.test(triple(error)));
    await assert.rejects(connecting);
  }
});

test("the open message is the first one and a text; what is none closes with invalid_open", async () => {
  const good = (await meet()).sockets[0].sent[0] as string;
  const changed = (change: object) => JSON.stringify({ ...(JSON.parse(good) as object), ...change });
  const bad = ["", "{}", changed({ v: 2 }), changed({ channel_id: "another" }), `${good.slice(0, -1)}${" ".repeat(4096)}}`, new Uint8Array(80)];
  for (const first of bad) {
    const { client, closed, accepting } = served();
    client.send(first);
    await assert.rejects(accepting, refusal("invalid_open"));
    assert.deepEqual(await closed, [1008, "invalid_open"]);
  }
  const { client, closed, accepting } = served({}, { ...credentials, suites: [2] });
  client.send(good);
  await assert.rejects(accepting, refusal("invalid_open"));
  assert.deepEqual(await closed, [1008, "invalid_open"]);
});

test("the open message has 5 s, or what is said, and not the time of the handshake", async () => {
  for (const [openTimeoutMs, ms] of [[undefined, 5000], [300, 300], [0, 10_000]] as const) {
    const clock = new ManualClock();
    const { closed, accepting } = served({ clock }, { ...credentials, openTimeoutMs });
    await new Promise(setImmediate);
    clock.advance(ms - 1);
    const early = await Promise.race([accepting.then(() => "done", () => "done"), new Promise((resolve) => setImmediate(resolve, "waiting"))]);
    assert.equal(early, "waiting");
    clock.advance(1);
    await assert.rejects(accepting, refusal("open_timeout", "direct/handshake/timeout"));
    assert.deepEqual(await closed, [1008, "open_timeout"]);
  }
});

test("a client that leaves, or a caller that gives up, ends the accepting", async () => {
  const gone = served();
  gone.client.close(1001, "");
  await assert.rejects(gone.accepting, fails("direct/handshake/handshake_failed"));
  const abort = new AbortController();
  const given = served({ signal: abort.signal });
  abort.abort();
  await assert.rejects(given.accepting, fails("direct/handshake/canceled"));
  assert.equal(given.socket.readyState, 3);
});

test("what cannot be is refused before anything is dialled or read", async () => {
  const wsFactory = () => assert.fail("dialled");
  const refused: [Partial<SealedConnectInfo>, string][] = [
    [{ wsUrl: " " }, "missing_ws_url"], [{ serverKeys: [] }, "invalid_input"], [{ serverKeys: [`${own.publicKey}=`] }, "invalid_input"],
    [{ serverKeys: [own.publicKey, "x"] }, "invalid_input"], [{ serverKeys: own.publicKey as never }, "invalid_input"], [{ suite: 3 as never }, "invalid_suite"],
    [{ serverKeys: ["A".repeat(43)] }, "invalid_input"], [{ wsUrl: "ws://localhost/ws" }, "transport_policy_denied"],
  ];
  for (const [change, code] of refused) {
    await assert.rejects(connectSealed({ ...info, ...change }, { origin, wsFactory }), fails(`direct/validate/${code}`), code);
  }
  await assert.rejects(connectSealed(null as never, { origin, wsFactory }), fails("direct/validate/missing_ws_url"));
  await assert.rejects(connectSealed(info, { wsFactory } as never), fails("direct/validate/missing_origin"));
  const bad: [SealedCredentials, string][] = [
    [{ keys: [] }, "invalid_option"], [null as never, "invalid_option"], [{ keys: [own], suites: [3 as never] }, "invalid_suite"],
    [{ keys: [own], openTimeoutMs: -1 }, "invalid_option"],
  ];
  for (const [server, code] of bad) {
    const { accepting, socket } = served({}, server);
    await assert.rejects(accepting, fails(`direct/validate/${code}`));
    assert.equal(socket.readyState, 3);
  }
  await assert.rejects(acceptSealed(null as never, credentials), fails("direct/validate/missing_conn"));
  for (const keys of [() => { throw new Error("no"); }, async () => { throw new Error("no, later"); }]) {
    const asking = served({}, { keys: keys as () => never });
    asking.client.send((await meet()).sockets[0].sent[0] as string);
    await assert.rejects(asking.accepting, fails("direct/validate/resolve_failed"));
  }
});

test("in Node: over a WebSocket of the ws package", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const accepting = once(server, "connection").then(([socket]) =>
    acceptSealedNode(socket as WebSocket, credentials, { secureTransport: false, transportSecurityPolicy: "allow_plaintext_for_loopback" }),
  );
  const wsUrl = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`;
  const client = await connectSealedNode({ ...info, wsUrl }, { origin, transportSecurityPolicy: "allow_plaintext_for_loopback" });
  const session = await accepting;
  assert.ok((await client.probeLiveness()) >= 0);
  client.close();
  assert.equal(((await session.ended) as FlowersecError).code, "not_connected");
  server.close();
});
