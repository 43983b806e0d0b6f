// The scripts that a gateway serves, run as a page would: what they define, which key they use, and what they load beside them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, webcrypto } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const ts = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ownwire-bundles-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const built = spawnSync(process.execPath, [join(ts, "scripts/ownwire.mjs"), "--out", folder], { encoding: "utf8" });
const script = (name) => readFileSync(join(folder, "js", name), "utf8");
const { seal } = JSON.parse(readFileSync(join(ts, "../testdata/sealed/box_vectors.json"), "utf8"));
const [{ server_public_b64u: key, kid }] = seal;
const integrityOf = (text) => `sha384-${createHash("sha384").update(text).digest("base64")}`;
/** As a gateway serves it. */
const served = (name, keys) =>
  script(name).replaceAll("%OWNWIRE_SERVER_KEYS%", keys).replaceAll("%OWNWIRE_COMPAT_SRI%", integrityOf(script("ownwire_compat.js")));

/** What a page has that the scripts use; `sent` fills with what its WebSockets send. */
function page({ src = "https://cdn.example/assets/js/ownwire.js", lacks = () => false, origin = "https://shop.example" } = {}) {
  const [sent, appended, urls] = [[], [], []];
  const subtle = new Proxy(webcrypto.subtle, {
    get: (target, name) => (...args) => (lacks(name, args) ? Promise.reject(new DOMException("", "NotSupportedError")) : target[name](...args)),
  });
  class WebSocket extends EventTarget {
    readyState = 0;
    bufferedAmount = 0;
    constructor(url) {
      super();
      urls.push(url);
      setImmediate(() => ((this.readyState = 1), this.dispatchEvent(new Event("open"))));
    }
    send(data) {
      sent.push(data);
    }
    close() {
      this.readyState = 3;
    }
  }
  const document = {
    currentScript: { src, nonce: "n-1" },
    baseURI: "https://shop.example/",
    createElement: () => ({ remove() {} }),
    head: { append: (element) => appended.push(element) },
  };
  const scope = {
    document, WebSocket, origin, isSecureContext: true, crypto: { subtle, getRandomValues: (into) => webcrypto.getRandomValues(into) }, performance, setTimeout, clearTimeout,
    TextEncoder, TextDecoder, URL, AbortController, Event, EventTarget, Blob, atob, btoa, queueMicrotask, console, Uint8Array, ArrayBuffer, Error,
  };
  scope.window = scope.globalThis = vm.createContext(scope, { codeGeneration: { strings: false, wasm: false } });
  scope.window.location = { origin };
  return { scope, sent, appended, urls, run: (text) => vm.runInContext(text, scope), leave: () => (document.currentScript = null) };
}
const until = async (isThere) => {
  while (!isThere()) await new Promise(setImmediate);
};

test("are built, within their sizes, with each template once", () => assert.equal(built.status, 0, built.stderr));

test("ownwire.js defines Ownwire, which opens with the key that the gateway wrote in", async () => {
  const { scope, sent, appended, urls, run, leave } = page();
  run(served("ownwire.js", `${key},${seal[1].server_public_b64u}`));
  leave();
  const chat = new scope.Ownwire("https://chat.example/ws");
  void chat.connect();
  chat.send("hello");
  await until(() => sent.length >= 2);
  assert.deepEqual(urls, ["wss://chat.example/ws"]);
  const open = JSON.parse(sent[0]);
  assert.deepEqual([open.type, open.kid, open.suite], ["ownwire_open", kid, 1]);
  assert.equal(Buffer.from(sent[1].buffer, sent[1].byteOffset, 4).toString(), "FSEH");
  assert.equal(appended.length, 0);
  chat.close();
});

test("without a key written in there is none, whatever a page is served from", () => {
  for (const keys of ["%OWNWIRE_SERVER_KEYS%", ""]) {
    const { scope, run } = page();
    run(served("ownwire.js", keys));
    assert.throws(() => new scope.Ownwire("wss://chat.example/ws"), { name: "OwnwireError", code: "missing_key" });
    assert.equal(new scope.Ownwire("wss://chat.example/ws", { server_keys: [key] }).state, "idle");
  }
});

test("a page from an insecure origin gets nothing but an error; http://localhost is none of those", () => {
  for (const [origin, isGood] of [["http://shop.example", false], ["null", false], ["http://localhost:8080", true], ["http://127.0.0.1", true]]) {
    const { scope, run } = page({ origin });
    run(served("ownwire.js", key));
    const make = () => new scope.Ownwire("wss://chat.example/ws");
    if (isGood) make();
    else assert.throws(make, { code: "insecure_origin" });
  }
});

test("the fallbacks are fetched only by browsers without X25519: from beside the script, with their integrity", async () => {
  const lacks = (name, [algorithm]) => name === "generateKey" && algorithm.name === "X25519";
  const { scope, sent, appended, run, leave } = page({ lacks });
  run(served("ownwire.js", key));
  leave();
  const chat = new scope.Ownwire("wss://chat.example/ws");
  void chat.connect();
  await until(() => appended.length > 0);
  const [{ src, integrity, crossOrigin, nonce }] = appended;
  assert.deepEqual({ src, integrity, crossOrigin, nonce }, {
    src: "https://cdn.example/assets/js/ownwire_compat.js", integrity: integrityOf(script("ownwire_compat.js")), crossOrigin: "anonymous", nonce: "n-1",
  });
  assert.equal(sent.length, 0);
  run(script("ownwire_compat.js"));
  appended[0].onload();
  await until(() => sent.length >= 2);
  assert.equal(JSON.parse(sent[0]).kid, kid);
  chat.close();
});

test("fallbacks that do not come are an error like that of a network, and are asked for again", async () => {
  const lacks = (name, [algorithm]) => name === "generateKey" && algorithm.name === "X25519";
  const { scope, appended, run, leave } = page({ lacks });
  run(served("ownwire.js", key));
  leave();
  const chat = new scope.Ownwire("wss://chat.example/ws", { reconnect: { initialDelayMs: 0, maxAttempts: 2 } });
  const errors = [];
  chat.onError = ({ code, fatal }) => errors.push([code, fatal]);
  const connecting = chat.connect();
  for (const i of [0, 1]) {
    await until(() => appended.length > i);
    appended[i].onerror();
  }
  await assert.rejects(connecting, { code: "connect_failed" });
  assert.deepEqual(errors, [["connect_failed", false], ["connect_failed", true]]);
});
