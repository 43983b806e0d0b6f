import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64url } from "../base/index.js";
import { ServerKeyPair } from "../sealed/key_pair.js";
import { FakeGateway, gatewayKeys, type FakeVisit } from "../testing/fake_gateway.js";
import { ManualClock } from "../testing/manual_clock.js";
import { chat, opened, quick, texts, url } from "../testing/recorded_chat.js";
import { OwnwireError } from "./error.js";
import { Ownwire } from "./ownwire.js";

test("texts sent directly after connect() arrive in order; acknowledged, they are delivered", async () => {
  const { ownwire, gateway, heard, until } = chat({ metadata: "username:user1", auth: "signed" });
  const connecting = ownwire.connect();
  assert.equal(ownwire.connect(), connecting);
  assert.deepEqual(["one", "", "two"].map((text) => ownwire.send(text)), [1, 0, 2]);
  const visit = await gateway.visit();
  assert.deepEqual(await visit.read(), { type: "hello", v: 1, metadata: "username:user1", auth: "signed" });
  await visit.welcome();
  await connecting;
  assert.deepEqual([ownwire.state, ownwire.connect() === connecting], ["open", true]);
  assert.deepEqual(await texts(visit, 2), ["1 one", "2 two"]);
  for (const id of [1, 2]) await visit.write({ type: "ack", id });
  await until("2 delivered");
  assert.deepEqual(heard, ["state connecting", "1 queued", "2 queued", "state open", "open", "1 sent", "2 sent", "1 delivered", "2 delivered"]);
  assert.deepEqual([gateway.urls, gateway.origins, ownwire.pending], [[url], ["https://gateway.example"], []]);
  ownwire.close();
  assert.deepEqual(await visit.read(), { type: "bye" });
  assert.deepEqual(heard.slice(-2), ["state closed", "close"]);
  assert.throws(() => ownwire.send("late"), { code: "closed" });
});

test("what was said before close() and close() itself arrive in one go", async () => {
  const { ownwire, visit } = await opened();
  ownwire.send("one");
  ownwire.send("two");
  ownwire.typing(true);
  ownwire.close();
  assert.deepEqual(await texts(visit, 2), ["1 one", "2 two"]);
  assert.deepEqual(await visit.read(), { type: "typing", on: true });
  assert.deepEqual(await visit.read(), { type: "bye" });
});

test("behind bye the connection stays until the gateway ends it, or for two seconds", { timeout: 20_000 }, async () => {
  for (const gatewayEnds of [true, false]) {
    const clock = new ManualClock(Math.floor(Date.now() / 1000)); // stands still
    const { ownwire, visit, heard } = await opened({ clock });
    ownwire.close();
    assert.deepEqual(await visit.read(), { type: "bye" });
    const { length } = heard;
    await visit.write({ type: "message", seq: 1, content: "late" });
    clock.advance(1_999);
    await visit.session.probeLiveness(); // answered behind it
    assert.equal(heard.length, length, "nobody hears what is said behind it");
    if (gatewayEnds) await visit.stream.close();
    else clock.advance(1);
    await visit.session.ended;
  }
});

test("replies come with what is known of them, each once, and are confirmed", async () => {
  const { ownwire, visit, heard, until } = await opened();
  for (const seq of [1, 1, 3]) await visit.write({ type: "message", seq, content: `r${seq}`, ...(seq === 3 && { metadata: "m" }) });
  const seqs = [];
  while (seqs.at(-1) !== 3) seqs.push((await visit.readOf("received"))["seq"]);
  await until('message r3 {"session_id":"session-1","seq":3,"metadata":"m"}');
  assert.deepEqual(heard.filter((each) => each.startsWith("message")), ['message r1 {"session_id":"session-1","seq":1}', 'message r3 {"session_id":"session-1","seq":3,"metadata":"m"}']);
  await visit.write({ type: "typing", on: true });
  await until("typing true");
  ownwire.typing(true);
  assert.deepEqual(await visit.readOf("typing"), { type: "typing", on: true });
  ownwire.close();
});

test("a lost connection is resumed: the newest token, what was not acknowledged under its old number, replies once", async () => {
  const { ownwire, gateway, visit, heard, until } = await opened();
  ownwire.send("a");
  ownwire.send("b");
  await texts(visit, 2);
  await visit.write({ type: "ack", id: 1 });
  await visit.write({ type: "message", seq: 1, content: "r" });
  await visit.readOf("received");
  visit.socket.drop();
  visit.socket.peer.drop();
  await until("state reconnecting");
  ownwire.send("c");
  const second = await gateway.visit();
  assert.deepEqual(await second.read(), { type: "hello", v: 1, resume: "token-1" });
  await second.welcome({ resumed: true, last_id: 2, resume_token: "token-2" });
  assert.deepEqual(await second.read(), { type: "received", seq: 1 });
  assert.deepEqual(await texts(second, 2), ["2 b", "3 c"]);
  await second.write({ type: "message", seq: 1, content: "r" });
  for (const id of [2, 3]) await second.write({ type: "ack", id });
  await until("3 delivered");
  assert.equal(heard.filter((each) => each.startsWith("message")).length, 1);
  assert.ok(heard.includes("resumed") && heard.includes("error connection_lost"));
  second.socket.peer.drop();
  const third = await gateway.visit();
  assert.deepEqual(await third.read(), { type: "hello", v: 1, resume: "token-2" });
  ownwire.close();
});

test("a gateway that forgot the session: texts are numbered from 1 again, under the same ids here", async () => {
  const { ownwire, gateway, visit, heard, until } = await opened();
  for (const text of ["a", "b", "c"]) ownwire.send(text);
  await texts(visit, 3);
  await visit.write({ type: "ack", id: 1 });
  await until("1 delivered");
  visit.socket.peer.drop();
  const second = await gateway.visit();
  await second.readOf("hello");
  await second.write({ type: "error", code: "session_unknown", fatal: false });
  await second.welcome({ session_id: "session-2", resume_token: "token-2" });
  assert.deepEqual(await texts(second, 2), ["1 b", "2 c"]);
  await second.write({ type: "message", seq: 1, content: "new" });
  await second.write({ type: "ack", id: 2 });
  await until("3 delivered");
  assert.ok(heard.includes("error session_unknown") && heard.includes('message new {"session_id":"session-2","seq":1}'));
  assert.deepEqual(ownwire.pending, [2]);
  ownwire.close();
  assert.ok(heard.includes("2 failed"));
});

test("session_taken ends it, without another attempt", async () => {
  const { ownwire, gateway, visit, heard, until } = await opened();
  ownwire.send("a");
  await texts(visit, 1);
  await visit.write({ type: "error", code: "session_taken", fatal: true });
  await until("close session_taken");
  assert.deepEqual(heard.slice(-4), ["state closed", "1 failed", "error session_taken fatal", "close session_taken"]);
  await new Promise(setImmediate);
  assert.equal(gateway.sockets.length, 1);
});

test("a text that the gateway refuses has failed, and says why; the chat goes on", async () => {
  const { ownwire, visit, heard, until } = await opened();
  for (const text of ["a", "b", "c"]) ownwire.send(text);
  await texts(visit, 3);
  for (const [i, code] of ["rate_limited", "backend_unavailable", "content_too_large"].entries()) {
    await visit.write({ type: "error", code, id: i + 1, fatal: false });
    await until(`error ${code} ${i + 1}`);
    assert.ok(heard.includes(`${i + 1} failed`));
  }
  assert.equal(ownwire.send("d"), 4);
  assert.deepEqual(await texts(visit, 1), ["4 d"]);
  ownwire.close();
});

test("a wrong pin: unknown_key is told, tried again with the same key, and given up; nothing of the chat was sent", async () => {
  const gateway = new FakeGateway(new ServerKeyPair(encodeBase64url(new Uint8Array(32).fill(9))));
  const { ownwire, heard } = chat({ reconnect: { ...quick, maxAttempts: 2 } }, gateway);
  ownwire.send("secret");
  await assert.rejects(ownwire.connect(), { name: "OwnwireError", code: "unknown_key", fatal: true });
  assert.deepEqual(heard, ["1 queued", "state connecting", "error unknown_key", "state closed", "1 failed", "error unknown_key fatal", "close unknown_key"]);
  assert.equal(gateway.sockets.length, 2);
  for (const { sent } of gateway.sockets) assert.equal(sent.some((each) => Buffer.from(each as string).includes("secret")), false);
});

test("reasons of a close before the handshake choose the word of the error", async () => {
  const gateway = new FakeGateway();
  gateway.refusals = ["rate_limited", "open_timeout", "invalid_open", "something else"];
  const { ownwire, heard, until } = chat({ reconnect: { ...quick, maxAttempts: 9 } }, gateway);
  void ownwire.connect();
  const visit = await gateway.visit();
  await visit.welcome();
  await until("open");
  assert.deepEqual(heard.filter((each) => each.startsWith("error")), ["error rate_limited", "error open_timeout", "error invalid_open", "error connection_lost"]);
  ownwire.close();
});

test("without reconnect the first failure is the last, and connect() may be called again", async () => {
  const gateway = new FakeGateway();
  gateway.refusals = ["unknown_key"];
  const { ownwire, until } = chat({ reconnect: false }, gateway);
  await assert.rejects(ownwire.connect(), { code: "unknown_key" });
  const again = ownwire.connect();
  await (await gateway.visit()).welcome();
  await again;
  await until("open");
  ownwire.close();
  const closed = chat();
  const never = closed.ownwire.connect();
  closed.ownwire.close();
  await assert.rejects(never, { code: "closed" });
});

test("what the gateway must not say ends the connection with a named error, and it is tried again", async () => {
  const frames: [string, string][] = [
    ["no JSON", "nope"], ["no type", "{}"], ["an ack before the welcome", '{"type":"ack","id":1}'], ["a welcome without a token", '{"type":"welcome","v":1}'],
    ["a frame that is no UTF-8", "\ud800"],
  ];
  for (const [name, frame] of frames) {
    const { ownwire, gateway, heard, until } = chat();
    void ownwire.connect();
    const visit = await gateway.visit();
    if (frame === "\ud800") await visit.stream.write(Uint8Array.of(0, 0, 0, 1, 0xff));
    else await visit.write(frame);
    await until("error invalid_frame");
    const next = await gateway.visit();
    await next.write({ type: "later", with: ["things"] });
    await next.welcome();
    await until("open");
    await next.stream.write(Uint8Array.of(0, 4, 0, 1)); // one byte more than a frame may have
    await gateway.visit();
    assert.equal(heard.filter((each) => each === "error invalid_frame").length, 2, name);
    ownwire.close();
  }
});

test("a second welcome, the end of the stream and the end of the session are noticed", async () => {
  const ends: [(visit: FakeVisit) => unknown, string][] = [
    [(visit) => visit.welcome(), "invalid_frame"], [(visit) => visit.stream.close(), "connection_lost"], [(visit) => visit.stream.reset(), "connection_lost"],
    [(visit) => visit.session.close(), "connection_lost"], [(visit) => visit.write({ type: "error", code: "shutting_down", fatal: true }), "shutting_down"],
  ];
  for (const [end, code] of ends) {
    const { ownwire, visit, until } = await opened({ reconnect: { ...quick, drainSpreadMs: 0 } });
    void end(visit);
    await until(`error ${code}`);
    assert.equal(ownwire.state, "reconnecting");
    ownwire.close();
  }
});

test("what handlers throw is told to onError and ends nothing", async () => {
  const { ownwire, visit, heard, until } = await opened();
  const thrown = new Error("mine");
  ownwire.onMessage = () => {
    throw thrown;
  };
  const errors: OwnwireError[] = [];
  ownwire.onError = (error) => {
    errors.push(error);
    throw thrown;
  };
  await visit.write({ type: "message", seq: 1, content: "r" });
  await visit.readOf("received");
  assert.deepEqual([errors[0]?.code, errors[0]?.cause], ["handler_failed", thrown]);
  ownwire.send("still");
  assert.deepEqual(await texts(visit, 1), ["1 still"]);
  await until("1 sent");
  assert.equal(heard.includes("state closed"), false);
  ownwire.close();
});

test("a text may have 65 536 bytes, and no frame more than 262 144; the queue has its bound", async () => {
  const { ownwire, gateway } = chat({ max_queue: 3 });
  const tooLong = { name: "OwnwireError", code: "content_too_large" };
  assert.throws(() => ownwire.send("x".repeat(65_537)), tooLong);
  assert.throws(() => ownwire.send("ü".repeat(32_769)), tooLong);
  assert.throws(() => ownwire.send("\u0001".repeat(43_680)), tooLong);
  assert.throws(() => ownwire.send("\u0001".repeat(40_000) + "漢".repeat(8_500)), tooLong);
  ownwire.send("ü".repeat(32_768));
  ownwire.send("\u0001".repeat(43_679));
  ownwire.send("half \ud800");
  assert.throws(() => ownwire.send("more"), { code: "queue_full" });
  void ownwire.connect();
  const visit = await gateway.visit();
  await visit.welcome({ limits: { max_content_bytes: 10 } });
  assert.deepEqual((await texts(visit, 3)).at(2), "3 half \ufffd");
  await visit.write({ type: "ack", id: 1 });
  while (ownwire.pending.length === 3) await new Promise(setImmediate);
  assert.throws(() => ownwire.send("x".repeat(11)), tooLong);
  ownwire.send("x".repeat(10));
  ownwire.close();
});

test("time-outs: no welcome in 10 s, no acknowledgement in 10 s", async () => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const { ownwire, gateway, until, heard } = chat({ clock });
  void ownwire.connect();
  const silent = await gateway.visit();
  await silent.readOf("hello");
  clock.advance(9_999);
  assert.deepEqual(heard, ["state connecting"]);
  clock.advance(1);
  assert.ok(heard.includes("error connect_timeout"));
  clock.advance(1);
  const visit = await gateway.visit();
  await visit.readOf("hello");
  await visit.welcome();
  await until("open");
  ownwire.send("a");
  await texts(visit, 1);
  clock.advance(9_999);
  assert.equal(ownwire.state, "open");
  clock.advance(1);
  assert.deepEqual(heard.slice(-3), ["1 queued", "error ack_timeout", "state reconnecting"]);
  ownwire.close();
});

test("the connection is probed every 25 s; one that does not answer is lost after 10 s", async () => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const { ownwire, visit, until } = await opened({ clock });
  visit.socket.peer.tamper = () => undefined; // nothing gets through
  clock.advance(25_000);
  await new Promise(setImmediate);
  clock.advance(9_999);
  await new Promise(setImmediate);
  assert.equal(ownwire.state, "open");
  clock.advance(1);
  await until("error connection_lost");
  ownwire.close();
});

test("options that cannot be are refused by the constructor", () => {
  const key = gatewayKeys.publicKey;
  const bad: [unknown, object, string][] = [
    [url, {}, "missing_key"], [url, { server_keys: [] }, "missing_key"], [url, { server_keys: "key" }, "invalid_key"], [url, { server_keys: [`${key}=`] }, "invalid_key"],
    [url, { server_keys: [key, "short"] }, "invalid_key"], [url, { server_keys: [key], metadata: "x".repeat(4097) }, "invalid_option"],
    [url, { server_keys: [key], metadata: 1 }, "invalid_option"], [url, { server_keys: [key], auth: "x".repeat(8193) }, "invalid_option"],
    [url, { server_keys: [key], max_queue: 0 }, "invalid_option"], [url, { server_keys: [key], reconnect: { maxAttempts: 0 } }, "invalid_option"],
    ["/ws", { server_keys: [key] }, "invalid_url"], [undefined, { server_keys: [key] }, "invalid_url"],
  ];
  for (const [given, options, code] of bad) assert.throws(() => new Ownwire(given as string, options), { name: "OwnwireError", code }, JSON.stringify([given, options]));
  const most = new Ownwire(url, { server_keys: [key], metadata: "ü".repeat(2048), auth: "x".repeat(8192) });
  assert.equal(most.state, "idle");
  assert.throws(() => most.setMetadata("x".repeat(4097)), { code: "invalid_option" });
});
