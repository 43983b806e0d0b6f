// Clients in Node with real sockets: through the real tunnel, with a registry of either language, and with messengers of C++.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { ChannelInitService, IssuerKeyset } from "flowersec/controlplane";
import { Contacts, Identity, writeIdentityFile } from "flowersec/identity";
import { CompatibleSocketClient, RegistryServer, SecureSocketClient, SecureWebSocket } from "flowersec/rendezvous";
import { root } from "../browser/demo.mjs";
import { isBuilt, keyFolder, start, startRegistry, startTunnel } from "./programs.mjs";

const { WebSocketServer } = createRequire(`${root}ts/package.json`)("ws");
const needs = (...names) => ({ skip: isBuilt("flowersec-tunnel", "flowersec-issuer-keygen", ...names) ? false : `${names.join(", ") || "flowersec-tunnel"} is not built`, timeout: 120_000 });

/** The registry of TypeScript behind an HTTP server. */
async function registryOfNode(folder, tunnelUrl, { legacy = false } = {}) {
  const issuer = IssuerKeyset.fromPrivateKeyFile(readFileSync(join(folder, "issuer_key.json")));
  const service = new ChannelInitService(issuer, { tunnelUrl, tunnelAudience: "rv", issuerId: "registry", idleTimeoutSeconds: 300 });
  const registry = await RegistryServer.create({ keys: [await RegistryServer.generateKey()], mint: (id) => service.issue(id), limits: { registrationBurst: 100 }, legacy });
  const server = createServer();
  const sockets = new WebSocketServer({ server, maxPayload: 65_536, perMessageDeflate: false });
  sockets.on("connection", (socket, request) => registry.attach(socket, request));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    key: registry.publicKey,
    stop() {
      registry.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function registryOfCpp(folder, tunnelUrl, { legacy = false } = {}) {
  const { ready, stop } = await startRegistry(folder, tunnelUrl, { flags: legacy ? ["--legacy"] : [] });
  return { url: ready.http_url, key: ready.registry_key, stop };
}

const registries = { TypeScript: [registryOfNode], "C++": [registryOfCpp, "flowersec-registry"] };

async function acquainted() {
  const [a, b] = [new Contacts(await Identity.generate()), new Contacts(await Identity.generate())];
  await a.add(b.owner.publicKey, "bob");
  await b.add(a.owner.publicKey, "alice");
  return [a, b];
}

function clientOf(registry, contacts, options = {}) {
  return SecureSocketClient.create({
    url: registry.url, registryKeys: [registry.key], contacts,
    connect: { origin: "https://app.example" },
    reconnect: { initialDelayMs: 50, maxDelayMs: 200, drainSpreadMs: 0 }, calls: { initialDelayMs: 50, maxDelayMs: 200, maxAttempts: 50 },
    ...options,
  });
}

/** Messages as they come. */
function inbox() {
  const received = [];
  let look = () => {};
  return {
    received,
    onMessage(error, message) {
      if (message !== undefined) received.push(message.message);
      look();
    },
    until: (n) => new Promise((resolve) => {
      look = () => received.length >= n && resolve(received);
      look();
    }),
  };
}

for (const [language, [startIt, ...names]] of Object.entries(registries)) {
  for (const transport of ["sealed", "text"]) {
    test(`messages both ways, registry of ${language}, ${transport}`, needs(...names), async (t) => {
      const { folder, remove } = keyFolder();
      const tunnel = await startTunnel(folder);
      const registry = await startIt(folder, tunnel.ready.ws_url);
      const [ofA, ofB] = await acquainted();
      const [atA, atB] = [inbox(), inbox()];
      const clients = await Promise.all([clientOf(registry, ofA, { ...atA, transport }), clientOf(registry, ofB, { ...atB, transport })]);
      t.after(async () => {
        await Promise.all(clients.map((client) => client.close()));
        await registry.stop();
        await tunnel.stop();
        remove();
      });
      const [a, b] = clients;
      await a.send(ofA.find("bob"), { content: "hello" });
      await b.send(ofB.find("alice"), "and back");
      assert.deepEqual([await atA.until(1), await atB.until(1)], [["and back"], [{ content: "hello" }]]);
      const large = "x".repeat(300_000);
      await Promise.all([a.send(ofA.find("bob"), large), a.send(ofA.find("bob"), 2), b.send(ofB.find("alice"), large)]);
      assert.deepEqual([(await atA.until(2)).slice(1), (await atB.until(3)).slice(1)], [[large], [large, 2]]);
    });
  }

  test(`messages across a restart of the tunnel come once and in order, registry of ${language}`, needs(...names), async (t) => {
    const { folder, remove } = keyFolder();
    let tunnel = await startTunnel(folder);
    const registry = await startIt(folder, tunnel.ready.ws_url);
    const [ofA, ofB] = await acquainted();
    const atB = inbox();
    const clients = await Promise.all([clientOf(registry, ofA), clientOf(registry, ofB, atB)]);
    t.after(async () => {
      await Promise.all(clients.map((client) => client.close()));
      await registry.stop();
      await tunnel.stop();
      remove();
    });
    const port = Number(new URL(tunnel.ready.ws_url).port);
    const sent = [];
    for (let i = 0; i < 30; i++) {
      sent.push(clients[0].send(ofA.find("bob"), i));
      if (i % 10 !== 5) continue;
      await atB.until(1);
      await tunnel.stop("SIGKILL");
      for (let n = 0; n < 3; n++) sent.push(clients[0].send(ofA.find("bob"), `${i} ${n}`));
      tunnel = await startTunnel(folder, port);
    }
    await Promise.all(sent);
    const expected = Array.from({ length: 30 }, (_, i) => (i % 10 === 5 ? [i, `${i} 0`, `${i} 1`, `${i} 2`] : [i])).flat();
    assert.deepEqual(await atB.until(expected.length), expected);
  });
}

test("a contact in the shape of a WebSocket", needs(), async (t) => {
  const { folder, remove } = keyFolder();
  const tunnel = await startTunnel(folder);
  const registry = await registryOfNode(folder, tunnel.ready.ws_url);
  const [ofA, ofB] = await acquainted();
  const clients = await Promise.all([clientOf(registry, ofA), clientOf(registry, ofB)]);
  t.after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await registry.stop();
    await tunnel.stop();
    remove();
  });
  const a = new SecureWebSocket(`127.0.0.1/${ofB.owner.publicKey.text}`, clients[0]);
  const b = new SecureWebSocket(ofA.owner.publicKey.text, clients[1]);
  assert.equal(a.readyState, SecureWebSocket.CONNECTING);
  const opened = new Promise((resolve) => (a.onopen = resolve));
  const heard = new Promise((resolve) => (a.onmessage = ({ data }) => resolve(data)));
  b.onmessage = ({ data, origin }) => b.send({ echo: data, origin });
  a.send("early");
  await opened;
  assert.equal(a.readyState, SecureWebSocket.OPEN);
  assert.deepEqual(await heard, { echo: "early", origin: ofA.owner.publicKey.text });
  const closed = new Promise((resolve) => (a.onclose = resolve));
  a.close();
  assert.deepEqual(await closed, { type: "close", code: 1000, reason: "", wasClean: true });
  assert.equal(a.readyState, SecureWebSocket.CLOSED);
  assert.throws(() => a.send(1), { code: "closed" });
  assert.throws(() => new SecureWebSocket(ofA.owner.publicKey.text, clients[0]), { code: "unknown_contact" });
  assert.throws(() => new SecureWebSocket("nobody", clients[0]), { code: "bad_length" });
});

for (const [language, [startIt, ...names]] of Object.entries(registries)) {
  test(`clients of the original protocol, registry of ${language}`, needs(...names), async (t) => {
    const { folder, remove } = keyFolder();
    const other = keyFolder(); // with a registry key of its own
    const [registry, without] = await Promise.all([startIt(folder, "wss://tunnel.example/ws", { legacy: true }), startIt(other.folder, "wss://tunnel.example/ws")]);
    const [ofA, ofB] = await acquainted();
    const [atA, atB] = [inbox(), inbox()];
    const connect = (contacts, options) => CompatibleSocketClient.create({
      url: registry.url, registryKeys: [registry.key], contacts, connect: { origin: "https://app.example" }, ...options,
    });
    const clients = [];
    t.after(async () => {
      for (const client of clients) client.close();
      await Promise.all([registry.stop(), without.stop()]);
      remove();
      other.remove();
    });
    const a = await connect(ofA, atA);
    clients.push(a);
    await assert.rejects(a.send(ofA.find("bob"), 1), { code: "recipient_unavailable" });
    const b = await connect(ofB, atB);
    clients.push(b);
    await a.send(ofA.find("bob"), { content: "hello" });
    await b.send(ofB.find("alice"), "and back");
    assert.deepEqual([await atA.until(1), await atB.until(1)], [["and back"], [{ content: "hello" }]]);
    await assert.rejects(connect(ofA), { code: "already_registered" });
    await assert.rejects(connect(ofA, { registryKeys: [without.key] }), { code: "unpinned_registry" });
    await assert.rejects(connect(ofA, { url: without.url, registryKeys: [without.key] }), ({ code }) => code === "connect_failed" || code === "connection_lost");
  });
}

for (const [language, [startIt, ...names]] of Object.entries(registries)) {
  for (const first of ["TypeScript", "C++"]) {
    test(`a client in Node and a messenger of C++ talk, registry of ${language}, ${first} calls`, needs("flowersec", ...names), async (t) => {
      const { folder, remove } = keyFolder();
      const tunnel = await startTunnel(folder);
      const registry = await startIt(folder, tunnel.ready.ws_url);
      const [ofA, ofB] = await acquainted();
      await writeIdentityFile(join(folder, "bob.json"), ofB);
      const atA = inbox();
      const a = await clientOf(registry, ofA, atA);
      const chat = await start("flowersec", [
        "chat", "--json", "--insecure-loopback", "--registry", registry.url.replace("http", "ws"), "--registry-key", registry.key, "--identity", "bob.json", "--no-qr", "--origin", "https://app.example",
      ], folder);
      t.after(async () => {
        await a.close();
        await chat.stop("SIGKILL");
        await registry.stop();
        await tunnel.stop();
        remove();
      });
      await chat.event(({ event, status }) => event === "registry" && status === "registered");
      const hear = () => chat.event(({ event, content }) => event === "message" && content === "from node");
      if (first === "TypeScript") {
        await a.send(ofA.find("bob"), "from node");
        await hear();
      }
      chat.write({ do: "send", to: "alice", content: { from: "c++" } });
      assert.deepEqual(await atA.until(1), [{ from: "c++" }]);
      await chat.event(({ event, state }) => event === "delivery" && state === "delivered");
      if (first === "C++") {
        await a.send(ofA.find("bob"), "from node");
        await hear();
      }
    });
  }
}
