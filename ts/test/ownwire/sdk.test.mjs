// The SDK in Node against the program ownwire: what visitors and the site's own program see of each other, and what losing a
// connection, the gateway or the key does to them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { createNodeWsFactory, acceptSealedNode } from "flowersec/node";
import { Ownwire } from "flowersec/ownwire";
import { ServerKeyPair } from "flowersec/sealed";
import { build, root } from "../browser/demo.mjs";
import { isBuilt, keyFolder, startGateway } from "./gateway_process.mjs";
import { mailbox } from "./internal_port.mjs";

const { WebSocket, WebSocketServer } = createRequire(`${root}ts/package.json`)("ws");
const quick = { initialDelayMs: 50, maxDelayMs: 200, drainSpreadMs: 0, maxAttempts: 200 };
const options = { skip: isBuilt ? false : "bin/ownwire is not built", timeout: 120_000 };

let keys;
let gateway;
const ends = [];
/** What programs and visitors have heard in this test. */
const heardByAll = [];

/** A test with a gateway. One that does not come to its end says how far it came, and what the gateway logged. */
const scene = (name, body) => test(name, options, async (t) => {
  let isOver = false;
  t.signal.addEventListener("abort", () => isOver || console.error([...heardByAll, ...gateway.log].join("\n")));
  await body().finally(() => (isOver = true));
});

// One for each test: a program of the one before might still be taken for open.
beforeEach(async () => {
  if (!isBuilt) return;
  heardByAll.length = 0;
  keys = keyFolder();
  gateway = await startGateway(keys.folder);
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await gateway?.stop("SIGKILL");
  keys?.remove();
});

/** The site's own program. */
async function backend(url = gateway.ready.internal_ws_url, protocols = []) {
  const socket = new WebSocket(url, protocols);
  const frames = mailbox();
  socket.on("message", (data) => {
    heardByAll.push(`program: ${data}`);
    frames.put(JSON.parse(data));
  });
  socket.on("error", () => {});
  socket.on("close", (code, reason) => heardByAll.push(`program: closed with ${code} ${reason}`));
  ends.push(() => socket.terminate());
  await once(socket, "open");
  return { next: frames.next, send: (frame) => socket.send(JSON.stringify(frame)), get size() { return frames.size; } };
}

/** Somebody who chats. Everything heard is in `heard`, and `until` waits for it; `cut` loses the connection. */
function visitor(given = {}, { ws_url: url, server_key: key } = gateway.ready) {
  const heard = [];
  const waiting = new Set();
  const hear = (...said) => {
    heard.push(said.join(" "));
    heardByAll.push(`visitor: ${heard.at(-1)}`);
    for (const look of [...waiting]) look();
  };
  const sockets = [];
  const factory = createNodeWsFactory();
  const ws_factory = (...to) => {
    sockets.push(factory(...to));
    return sockets.at(-1);
  };
  const chat = new Ownwire(url, { server_keys: [key], reconnect: quick, ws_factory, ...given });
  const replies = mailbox();
  chat.onMessage = (content, info) => {
    heardByAll.push(`visitor: message ${content}`);
    replies.put({ content, ...info });
  };
  chat.onOpen = ({ session_id, resumed }) => hear(resumed ? "resumed" : "open", session_id);
  chat.onState = (state) => hear("state", state);
  chat.onError = ({ code }) => hear("error", code);
  chat.onDelivery = (id, status) => hear(id, status);
  chat.onTyping = (on) => hear("typing", on);
  chat.onClose = (error) => hear("close", error?.code ?? "");
  ends.push(() => chat.close());
  const until = (wanted, times = 1) => new Promise((resolve) => {
    const look = () => {
      const found = heard.filter((each) => each.startsWith(wanted));
      if (found.length < times) return;
      waiting.delete(look);
      resolve(found.at(-1));
    };
    waiting.add(look);
    look();
  });
  return { chat, heard, until, replies, sockets, cut: () => sockets.at(-1).close() };
}

scene("texts sent directly after connect() are delivered in order, also more than may come at once; replies find their way", async () => {
  const program = await backend();
  const { chat, until, replies } = visitor({ metadata: "username:user1" });
  void chat.connect();
  const texts = Array.from({ length: 23 }, (_, i) => `text ${i + 1}`);
  assert.deepEqual(texts.map((text) => chat.send(text)), texts.map((_, i) => i + 1));
  let session;
  for (const content of texts) {
    const frame = await program.next();
    session ??= frame.session_id;
    assert.deepEqual(frame, { content, session_id: session, metadata: "username:user1" });
  }
  await until("23 delivered");
  for (const content of ["one", "two"]) program.send({ content, session_id: session, metadata: "tag" });
  for (const [i, content] of ["one", "two"].entries()) assert.deepEqual(await replies.next(), { content, session_id: session, seq: i + 1, metadata: "tag" });
});

scene("the C++ example says one line and prints the reply; without a key or a gateway it says what is wrong", async () => {
  const example = `${build}/examples/chat-client`;
  const program = await backend();
  const run = promisify(execFile);
  const said = run(example, [gateway.ready.ws_url, gateway.ready.server_key, "from C++"]);
  const { content, session_id } = await program.next();
  assert.equal(content, "from C++");
  program.send({ content: "to C++", session_id });
  assert.deepEqual(await said, { stdout: "to C++\n", stderr: "delivered\n" });
  await assert.rejects(run(example, [gateway.ready.ws_url, "short", "text"]), { code: 2, stderr: /^SERVER-KEY: .+--print-key/ });
  const stranger = new ServerKeyPair(Buffer.alloc(32, 9).toString("base64url")).publicKey;
  await assert.rejects(run(example, [gateway.ready.ws_url, stranger, "text"]), { code: 1, stderr: /^not delivered: / });
});

scene("a lost connection comes back to the same session: replies of meanwhile arrive, and every text once", async () => {
  const program = await backend();
  const { chat, until, replies, cut, sockets } = visitor();
  await chat.connect();
  const [, session] = (await until("open")).split(" ");
  chat.send("before");
  await program.next();
  await until("1 delivered");
  cut();
  program.send({ content: "meanwhile", session_id: session });
  chat.send("during");
  assert.equal((await replies.next()).content, "meanwhile");
  assert.deepEqual(await program.next(), { content: "during", session_id: session });
  assert.equal(await until("resumed"), `resumed ${session}`);
  await until("2 delivered");
  assert.equal(sockets.length, 2);
  chat.send("after");
  assert.equal((await program.next()).content, "after");
});

scene("a gateway that starts anew has forgotten the session: what was not acknowledged arrives in a new one", async () => {
  const own = keyFolder();
  ends.push(own.remove);
  let second = await startGateway(own.folder);
  ends.push(() => second.stop("SIGKILL"));
  const { chat, until, heard } = visitor({}, second.ready);
  await chat.connect();
  const first = await until("open");
  chat.send("nobody is there to take it");
  await until("1 sent");
  const [port, internalPort] = [second.ready.ws_url, second.ready.internal_ws_url].map((url) => Number(new URL(url).port));
  await second.stop("SIGKILL");
  await until("state reconnecting");
  chat.send("nor this");
  second = await startGateway(own.folder, { port, internalPort });
  const program = await backend(second.ready.internal_ws_url);
  const frames = [await program.next(), await program.next()];
  assert.deepEqual(frames.map(({ content }) => content), ["nobody is there to take it", "nor this"]);
  await until("2 delivered");
  assert.notEqual(await until("open", 2), first);
  assert.ok(heard.includes("error session_unknown"));
});

scene("a gateway that ends says so, and its visitors come back to the next one", async () => {
  const own = keyFolder();
  ends.push(own.remove);
  let second = await startGateway(own.folder);
  ends.push(() => second.stop("SIGKILL"));
  const { chat, until } = visitor({}, second.ready);
  await chat.connect();
  const port = Number(new URL(second.ready.ws_url).port);
  await second.stop();
  await until("error shutting_down");
  second = await startGateway(own.folder, { port });
  await until("open", 2);
});

scene("a wrong pin: unknown_key, again and again, and nothing of the chat leaves", async () => {
  const other = new ServerKeyPair(Buffer.alloc(32, 9).toString("base64url"));
  const sent = [];
  const factory = createNodeWsFactory();
  const ws_factory = (...to) => {
    const socket = factory(...to);
    const send = socket.send.bind(socket);
    socket.send = (data) => (sent.push(Buffer.from(data).toString("latin1")), send(data));
    return socket;
  };
  const { chat, heard } = visitor({ server_keys: [other.publicKey, gateway.ready.server_key], reconnect: { ...quick, maxAttempts: 2 }, ws_factory });
  chat.send("secret");
  await assert.rejects(chat.connect(), { code: "unknown_key", fatal: true });
  assert.equal(heard.filter((each) => each === "error unknown_key").length, 2);
  assert.ok(heard.includes("1 failed"));
  for (const each of sent) assert.equal(each.includes("secret"), false);
});

scene("a forged server that takes any key id cannot make the handshake succeed", async () => {
  const forged = Object.create(new ServerKeyPair(Buffer.alloc(32, 8).toString("base64url")), {
    kid: { value: gateway.ready.kid }, open: { value: () => Promise.resolve(new Uint8Array(32)) },
  });
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  ends.push(() => (server.clients.forEach((client) => client.terminate()), server.close()));
  let received = 0;
  server.on("connection", (socket) => {
    socket.on("message", () => received++);
    const plain = { secureTransport: false, transportSecurityPolicy: "allow_plaintext_for_loopback" };
    acceptSealedNode(socket, { keys: [forged] }, plain).then(() => assert.fail("accepted"), () => {});
  });
  const { chat } = visitor({ reconnect: false }, { ...gateway.ready, ws_url: `ws://127.0.0.1:${server.address().port}/ws` });
  chat.send("secret");
  // Which of both gives up first is open.
  await assert.rejects(chat.connect(), ({ code }) => ["handshake_failed", "connection_lost"].includes(code));
  assert.ok(received <= 3, "open message, INIT, ACK");
});

scene("each session hears its own replies, and one that nobody has harms nobody", async () => {
  const program = await backend();
  const both = [visitor(), visitor()];
  for (const [i, { chat }] of both.entries()) {
    await chat.connect();
    chat.send(`from ${i}`);
  }
  const sessions = {};
  for (const _ of both) {
    const { content, session_id } = await program.next();
    sessions[content] = session_id;
  }
  program.send({ content: "for nobody", session_id: "00000000-0000-4000-8000-000000000000" });
  for (const i of [1, 0]) program.send({ content: `to ${i}`, session_id: sessions[`from ${i}`] });
  for (const [i, { replies }] of both.entries()) {
    assert.equal((await replies.next()).content, `to ${i}`);
    assert.equal(replies.size, 0);
  }
});

scene("close() ends the session: the program in extended mode hears of it, and of typing both ways", async () => {
  const program = await backend(undefined, ["ownwire.v2"]);
  const heardOf = async (type) => {
    for (;;) {
      const frame = await program.next();
      if (frame.type === type) return frame;
    }
  };
  const { chat, until, heard, replies } = visitor({ auth: "signed by the site" });
  await chat.connect();
  chat.send("hello");
  const { session_id, auth } = await heardOf("message");
  assert.equal(auth, "signed by the site");
  chat.typing(true);
  assert.equal((await heardOf("typing")).session_id, session_id);
  program.send({ type: "typing", session_id, on: true });
  await until("typing true");
  program.send({ type: "message", session_id, content: "reply", message_id: 7 });
  assert.equal((await replies.next()).content, "reply");
  assert.equal((await heardOf("delivered")).message_id, 7);
  chat.close();
  assert.equal((await heardOf("session_end")).session_id, session_id);
  assert.deepEqual(heard.slice(-2), ["state closed", "close "]);
});

scene("who takes a session over has it; who had it is told, and leaves it alone", async () => {
  const program = await backend();
  const storage = () => {
    let kept = null;
    return { load: () => kept, save: (text) => void (kept = text) };
  };
  const [one, two] = [storage(), storage()];
  const first = visitor({ storage: one });
  await first.chat.connect();
  const [, session] = (await first.until("open")).split(" ");
  first.chat.send("hello");
  await program.next();
  await first.until("1 delivered");
  two.save(one.load()); // a page opened by another has a copy of its storage
  const second = visitor({ storage: two });
  await second.chat.connect();
  assert.equal(await second.until("resumed"), `resumed ${session}`);
  await first.until("close session_taken");
  assert.equal(first.sockets.length, 1);
  program.send({ content: "for the second", session_id: session });
  assert.equal((await second.replies.next()).content, "for the second");
  assert.equal(first.replies.size, 0);
});

scene("an origin that is not on the list is refused, and said to be no connection", async () => {
  const { chat } = visitor({ origin: "https://elsewhere.example", reconnect: false });
  await assert.rejects(chat.connect(), { code: "connect_failed" });
});
