import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeGateway } from "../testing/fake_gateway.js";
import { chat, opened, texts } from "../testing/recorded_chat.js";

test("a handler that hears of the end may connect() again, and has the promise of that", async () => {
  for (const handler of ["onState", "onError", "onDelivery", "onClose"] as const) {
    const gateway = new FakeGateway();
    gateway.refusals = ["unknown_key"];
    const { ownwire, until } = chat({ reconnect: false }, gateway);
    ownwire.send("a");
    const first = ownwire.connect();
    let again: Promise<void> | undefined;
    ownwire[handler] = () => {
      if (ownwire.state === "closed") again = ownwire.connect();
    };
    await assert.rejects(first, { code: "unknown_key" });
    ownwire[handler] = undefined;
    await (await gateway.visit()).welcome();
    await again;
    assert.equal(ownwire.state, "open", handler);
    if (handler !== "onState") await until("state open");
    ownwire.close();
  }
});

test("close() and connect() in one handler: the first promise is closed, the second one open", async () => {
  const { ownwire, visit, gateway } = await opened();
  const again = new Promise<void>((resolve) => {
    ownwire.onMessage = () => {
      ownwire.close();
      resolve(ownwire.connect());
    };
  });
  await visit.write({ type: "message", seq: 1, content: "r" });
  await (await gateway.visit()).welcome();
  await again;
  ownwire.close();
});

test("a storage lets the next page go on: same session, pending texts, no reply twice", async () => {
  let kept: string | null = null;
  const storage = { load: () => kept, save: (text: string | null) => void (kept = text) };
  const first = await opened({ storage });
  first.ownwire.send("a");
  first.ownwire.send("b");
  await texts(first.visit, 2);
  await first.visit.write({ type: "message", seq: 4, content: "r" });
  await first.visit.readOf("received");
  first.ownwire.detach();
  assert.equal(first.heard.some((each) => each.endsWith("failed")), false);
  assert.deepEqual(first.heard.slice(-2), ["state closed", "close"]);
  const second = chat({ storage });
  assert.deepEqual(second.ownwire.pending, [1, 2]);
  assert.equal(second.ownwire.send("c"), 3);
  void second.ownwire.connect();
  const visit = await second.gateway.visit();
  assert.equal((await visit.read())["resume"], "token-1");
  await visit.welcome({ resumed: true, last_id: 2, resume_token: "token-2" });
  assert.deepEqual(await visit.read(), { type: "received", seq: 4 });
  assert.deepEqual(await texts(visit, 3), ["1 a", "2 b", "3 c"]);
  await visit.write({ type: "message", seq: 4, content: "r" });
  for (const id of [1, 2, 3]) await visit.write({ type: "ack", id });
  await second.until("3 delivered");
  assert.equal(second.heard.some((each) => each.startsWith("message")), false);
  assert.match(String(kept), /token-2/);
  second.ownwire.close();
  assert.equal(kept, null);
});

test("detached before there was a session, or without a storage, texts have failed", async () => {
  let kept: string | null = null;
  const early = chat({ storage: { load: () => kept, save: (text) => void (kept = text) } });
  early.ownwire.send("a");
  void early.ownwire.connect();
  early.ownwire.detach();
  assert.deepEqual([early.heard.includes("1 failed"), kept], [true, null]);
  const { ownwire, visit, heard } = await opened();
  ownwire.send("a");
  await texts(visit, 1);
  ownwire.detach();
  assert.equal(heard.at(-2), "1 failed");
});

test("a chat that was detached goes on with what is stored when it connects again", async () => {
  let kept: string | null = null;
  const storage = { load: () => kept, save: (text: string | null) => void (kept = text) };
  const { ownwire, visit, gateway, until } = await opened({ storage });
  ownwire.send("a");
  await texts(visit, 1);
  ownwire.detach();
  assert.deepEqual(ownwire.pending, []);
  void ownwire.connect();
  assert.deepEqual(ownwire.pending, [1]);
  assert.equal(ownwire.send("b"), 2);
  const second = await gateway.visit();
  assert.equal((await second.read())["resume"], "token-1");
  await second.welcome({ resumed: true, last_id: 1, resume_token: "token-2" });
  assert.match(String(kept), /"content":"a"/);
  assert.deepEqual(await texts(second, 2), ["1 a", "2 b"]);
  for (const id of [1, 2]) await second.write({ type: "ack", id });
  await until("2 delivered");
  // Another page goes on with it in between.
  ownwire.detach();
  const other = chat({ storage });
  void other.ownwire.connect();
  await (await other.gateway.visit()).welcome({ resumed: true, last_id: 2, resume_token: "token-3" });
  await other.until("resumed");
  assert.equal(other.ownwire.send("c"), 3);
  other.ownwire.detach();
  void ownwire.connect();
  assert.deepEqual(ownwire.pending, [3]);
  assert.equal((await (await gateway.visit()).read())["resume"], "token-3");
  ownwire.close();
});

test("send(), detach() and connect() in one handler: the text is there still", async () => {
  let kept: string | null = null;
  const { ownwire, visit, gateway } = await opened({ storage: { load: () => kept, save: (text) => void (kept = text) } });
  ownwire.onMessage = () => {
    ownwire.send("a");
    ownwire.detach();
    void ownwire.connect();
  };
  await visit.write({ type: "message", seq: 1, content: "r" });
  const second = await gateway.visit();
  await second.readOf("hello");
  assert.deepEqual(ownwire.pending, [1]);
  await second.welcome({ resumed: true });
  assert.deepEqual(await texts(second, 1), ["1 a"]);
  ownwire.close();
});

test("a storage that throws, or holds something else, is no storage", async () => {
  const no = () => {
    throw new Error("no");
  };
  for (const storage of [{ load: no, save: no }, { load: () => "{", save: no }, { load: () => '{"v":1}', save: no }]) {
    const { ownwire } = await opened({ storage });
    ownwire.close();
  }
});
