// What generated TypeScript does beyond the case table: validators, writing, services.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";

const out = process.env.FLOWERSEC_TS_OUT;
const demo = await import(`${out}/main/gen/flowersec/demo/v1.rpc.gen.js`);
const { assertAttach, Role } = await import(`${out}/main/gen/flowersec/tunnel/v1.gen.js`);
const { encodePingResponse } = await import(`${out}/main/gen/flowersec/demo/v1.gen.js`);
const { encodeRpcEnvelope } = await import(`${out}/main/gen/flowersec/rpc/v1.gen.js`);
const wire = await import(`${out}/main/gen/flowersec_runtime.gen.js`);
const torture = await import(`${out}/torture/flowersec/torture/v1.gen.js`);
const tortureWire = await import(`${out}/torture/flowersec_runtime.gen.js`);
const awkward = await import(`${out}/torture/flowersec/torture/v1.rpc.gen.js`);

const { addNotes, serveNotes } = await import(`${out}/notes/client.js`);

/** Both ends of a call, joined by JSON text. */
function pair() {
  const handlers = new Map();
  const listeners = new Map();
  const json = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
  return {
    register: (typeId, handler) => void handlers.set(typeId, handler),
    async call(typeId, payload, signal) {
      const gone = new Promise((_, fail) => signal?.addEventListener("abort", () => fail(signal.reason)));
      const handler = handlers.get(typeId);
      if (!handler) return { payload: null, error: { code: 404, message: "handler not found" } };
      return json(await Promise.race([handler(json(payload)), gone]));
    },
    notify(typeId, payload) {
      for (const each of listeners.get(typeId) ?? []) each(json(payload));
    },
    onNotify(typeId, handler) {
      const all = listeners.get(typeId) ?? listeners.set(typeId, new Set()).get(typeId);
      all.add(handler);
      return () => all.delete(handler);
    },
  };
}

test("a validator returns the same object and keeps strangers", () => {
  const attach = { v: 1, channel_id: "c", role: Role.server, token: "t", endpoint_instance_id: "e", more: 1 };
  assert.equal(assertAttach(attach), attach);
});

test("only what is declared is written", () => {
  const text = encodeRpcEnvelope({ more: 1, response_to: 0, request_id: 7, type_id: 1, payload: undefined });
  assert.equal(text, '{"type_id":1,"request_id":7,"response_to":0,"payload":null}');
});

test("what a reader would refuse is not written", () => {
  const good = { text: "", flag: false, tiny: 0, small: 0, normal: 0, large: 0, signed_normal: 0, signed_large: 0,
    operator: torture.Operator.class, level: 0, texts: [], numbers: [], levels: [], inners: [], labels: {}, any: null,
    inner: { then: "", constructor: "", class: "", new: "", clone: "", promise: "", to_string: "" } };
  assert.doesNotThrow(() => torture.encodeEverything(good));
  for (const [field, value] of Object.entries({ tiny: 256, small: -1, normal: 1.5, large: 2 ** 53, signed_large: -(2 ** 53),
    operator: 0, text: "\ud800", flag: null, texts: undefined, any: undefined })) {
    assert.throws(() => torture.encodeEverything({ ...good, [field]: value }), { message: `bad Everything.${field}` });
  }
});

test("only own members are read and written", () => {
  const empty = torture.encodeUint8Array_({});
  assert.equal(empty, "{}", "constructor and valueOf of every object are none of the message");
  assert.equal(torture.encodeMaybe(Object.create({ text: 5 })), "{}");
  assert.throws(() => torture.assertTree(Object.create({ name: "n", children: [] })), { message: "bad Tree.name" });
});

test("what is written is what was checked", () => {
  let reads = 0;
  const message = { get ok() { return reads++ === 0 ? true : "changed"; } };
  assert.equal(encodePingResponse(message), '{"ok":true}');
});

test("plain objects of other realms are written", () => {
  const payload = runInNewContext("({ a: [1, { b: null }] })");
  const text = encodeRpcEnvelope({ type_id: 1, request_id: 7, response_to: 0, payload });
  assert.equal(text, '{"type_id":1,"request_id":7,"response_to":0,"payload":{"a":[1,{"b":null}]}}');
});

test("raw JSON is read as deep as in C++, and refused in words where the engine cannot write it", () => {
  const nested = (levels) => `{"any":${"[".repeat(levels)}${"]".repeat(levels)},"branches":[]}`;
  const message = torture.decodeBranch(nested(10_000));
  assert.throws(() => torture.decodeBranch(nested(10_001)), { message: "bad Branch" });
  try {
    assert.equal(torture.encodeBranch(message), nested(10_000));
  } catch (error) {
    assert.ok(error instanceof tortureWire.BadMessageError);
    assert.equal(error.message, "bad Branch");
    assert.ok(error.cause instanceof RangeError);
  }
});

test("an error for what is no JSON quotes nothing of it", () => {
  const text = '{"psk": "hunter2" hunter2';
  assert.throws(() => torture.decodeBranch(text), (error) => {
    assert.equal(error.message, "bad Branch");
    return !inspect(error, { depth: 9 }).includes("hunter2");
  });
});

test("an error says which message and field", () => {
  const failure = (run) => {
    try {
      run();
    } catch (error) {
      assert.ok(error instanceof tortureWire.BadMessageError);
      return [error.messageName, error.field];
    }
    return null;
  };
  assert.deepEqual(failure(() => torture.decodeTree('{"name":1}')), ["Tree", "name"]);
  assert.deepEqual(failure(() => torture.decodeTree("[]")), ["Tree", ""]);
  assert.deepEqual(failure(() => torture.assertTree({ name: "n", children: [1] })), ["Tree", "children[]"]);
});

test("a call is answered", async () => {
  const rpc = pair();
  demo.registerDemo(rpc, { ping: () => ({ ok: true }) });
  assert.deepEqual(await demo.createDemoClient(rpc).ping({}), { ok: true });
});

test("a refusal becomes an RpcCallError", async () => {
  const refusal = async (ping) => {
    const rpc = pair();
    if (ping) demo.registerDemo(rpc, { ping });
    const failure = await demo.createDemoClient(rpc).ping({}).then(() => null, (why) => why);
    assert.ok(failure instanceof wire.RpcCallError);
    return [failure.code, failure.message, failure.typeId];
  };
  assert.deepEqual(await refusal(() => { throw new wire.RpcCallError(418, "teapot"); }), [418, "teapot", 1]);
  assert.deepEqual(await refusal(() => { throw new wire.RpcCallError(0, ""); }), [500, "rpc error", 1]);
  assert.deepEqual(await refusal(() => { throw new Error("secret"); }), [500, "internal error", 1]);
  assert.deepEqual(await refusal(() => ({ ok: 1 })), [500, "internal error", 1]);
  assert.deepEqual(await refusal(null), [404, "handler not found", 1]);
});

test("a code that is no u32 cannot be told, and neither can a message that is no text", async () => {
  for (const code of [-1, 1.5, 2 ** 32, Number.NaN, "404", undefined]) {
    assert.throws(() => new wire.RpcCallError(code, "x"), { name: "BadMessageError", message: "bad RpcError.code" });
  }
  for (const message of ["\ud800", undefined, 1]) {
    assert.throws(() => new wire.RpcCallError(1, message), { message: "bad RpcError.message" });
  }
  assert.equal(new wire.RpcCallError(2 ** 32 - 1, "").code, 2 ** 32 - 1);
  const rpc = pair();
  demo.registerDemo(rpc, { ping: () => { throw new wire.RpcCallError(2 ** 32, "teapot"); } });
  assert.deepEqual((await rpc.call(1, {})).error, { code: 500, message: "internal error" });
});

test("an answer whose code is no u32 is an error of the caller", async () => {
  for (const [error, message] of [[{ code: -1 }, "bad RpcError.code"], [{ code: 1, message: 5 }, "bad RpcError.message"]]) {
    const rpc = pair();
    rpc.register(1, async () => ({ payload: null, error }));
    await assert.rejects(demo.createDemoClient(rpc).ping({}), { message });
  }
});

test("a payload that is no request is answered 400, and null stands for an empty one", async () => {
  const rpc = pair();
  demo.registerDemo(rpc, { ping: () => ({ ok: true }) });
  assert.deepEqual((await rpc.call(1, [])).error, { code: 400, message: "invalid payload" });
  assert.deepEqual((await rpc.call(1, null)).payload, { ok: true });
});

test("a bad response is an error of the caller", async () => {
  const rpc = pair();
  rpc.register(1, async () => ({ payload: { ok: "yes" } }));
  await assert.rejects(demo.createDemoClient(rpc).ping({}), { message: "bad PingResponse.ok" });
});

test("a call ends with its signal, and with its time", async () => {
  const rpc = pair();
  rpc.register(1, () => new Promise(() => {}));
  const client = demo.createDemoClient(rpc);
  const control = new AbortController();
  const call = client.ping({}, { signal: control.signal });
  const reason = new Error("changed my mind");
  control.abort(reason);
  await assert.rejects(call, reason);
  await assert.rejects(client.ping({}, { signal: control.signal }), reason);
  await assert.rejects(client.ping({}, { timeoutMs: 1 }), { name: "TimeoutError" });
  await assert.rejects(client.ping({}, { timeoutMs: 0 }), { name: "TimeoutError" });
});

test("a time beyond what timers can wait is no time-out, and one that is no time is an error", async () => {
  const rpc = pair();
  rpc.register(1, () => new Promise((resolve) => setTimeout(() => resolve({ payload: { ok: true } }), 20)));
  const client = demo.createDemoClient(rpc);
  for (const timeoutMs of [2 ** 31, Number.MAX_VALUE, Infinity]) {
    assert.deepEqual(await client.ping({}, { timeoutMs }), { ok: true });
  }
  for (const timeoutMs of [NaN, -1]) await assert.rejects(client.ping({}, { timeoutMs }), RangeError);
});

test("notifications are typed both ways, and a subscription ends", async () => {
  const rpc = pair();
  const heard = [];
  const stop = demo.createDemoClient(rpc).onHello((message) => heard.push(message.hello));
  await demo.notifyDemoHello(rpc, { hello: "a" });
  rpc.notify(2, { hello: 1 });
  await assert.rejects(demo.notifyDemoHello(rpc, { hello: 1 }), { message: "bad HelloNotify.hello" });
  stop();
  await demo.notifyDemoHello(rpc, { hello: "b" });
  assert.deepEqual(heard, ["a"]);
});

test("a client with a method named then can be awaited", async () => {
  const rpc = pair();
  const fields = { then: "", constructor: "", class: "", new: "", clone: "", promise: "", to_string: "" };
  awkward.registerClass(rpc, { operator: (request) => request, then_: () => null, constructor_: (request) => request });
  rpc.register(awkward.namesTypeIds.new_, () => ({ payload: { knots: [{ name: "k" }] } }));
  assert.deepEqual(await awkward.createNamesClient(rpc).new_({}), { knots: [{ name: "k" }] });
  const client = await awkward.createClassClient(rpc);
  assert.deepEqual(await client.operator({ ...fields, then: "x" }), { ...fields, then: "x" });
  const secrets = { key: "a", more: [] };
  assert.deepEqual(await client.constructor_(secrets), secrets);
});

test("the example of the guide runs", async () => {
  const rpc = pair();
  const lines = [];
  serveNotes(rpc, rpc);
  await addNotes(rpc, (line) => lines.push(line));
  assert.deepEqual(lines, ['told of "milk"', "1 note", "refused with 422, nothing to note"]);
});

/** Sources of the generated files: those of the tree, and those of the torture schema. */
function generated() {
  const folders = [`${process.env.FLOWERSEC_ROOT}/ts/src/gen`, `${out}/torture_src`];
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") })),
  );
}

test("generated files import nothing outside their folder", () => {
  assert.ok(generated().length > 10);
  for (const { name, text } of generated()) {
    for (const [, from] of text.matchAll(/\bfrom\s+"([^"]+)"/g)) assert.match(from, /^\.\.?\//, `${name} imports ${from}`);
  }
});

test("generated files do nothing when they are loaded, so what is not used can be left out", () => {
  const ts = createRequire(`${process.env.FLOWERSEC_ROOT}/ts/package.json`)("typescript");
  const { SyntaxKind } = ts;
  const declarations = new Set([SyntaxKind.ImportDeclaration, SyntaxKind.InterfaceDeclaration, SyntaxKind.ClassDeclaration,
    SyntaxKind.TypeAliasDeclaration, SyntaxKind.FunctionDeclaration, SyntaxKind.VariableStatement]);
  const acts = new Set([SyntaxKind.CallExpression, SyntaxKind.NewExpression, SyntaxKind.TaggedTemplateExpression,
    SyntaxKind.AwaitExpression, SyntaxKind.DeleteExpression, SyntaxKind.PostfixUnaryExpression]);
  const check = (name, node) => {
    if (ts.isFunctionLike(node)) return;
    assert.ok(!acts.has(node.kind), `${name}: ${node.getText?.()}`);
    ts.forEachChild(node, (child) => check(name, child));
  };
  for (const { name, text } of generated()) {
    for (const statement of ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true).statements) {
      assert.ok(declarations.has(statement.kind), `${name}: ${statement.getText()}`);
      check(name, statement);
    }
  }
  assert.throws(() => check("x", ts.createSourceFile("x", "const a = b();", ts.ScriptTarget.ES2022, true)));
  assert.equal(JSON.parse(readFileSync(`${process.env.FLOWERSEC_ROOT}/ts/package.json`, "utf8")).sideEffects, false);
});
