// js/ownwire.js on pages of a site, in Chromium: with a strict policy, in a browser that lacks a primitive, and when what it
// loads then was changed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage, startBackend, startGateway, startSite } from "./ownwire.mjs";

let gateway;
let browser;
let backend;
let site;

before(async () => {
  gateway = await startGateway("--allow-origin", "localhost");
  backend = await startBackend(gateway, { answer: ({ content }) => [`you said ${content}`] });
  site = await startSite({});
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await Promise.all([site, backend, gateway].map((each) => each?.stop()));
});

const timeout = 120_000;
const html = (script = "ownwire.js") => `<!doctype html><html lang="en"><title>A site</title><script nonce="n1" src="${gateway.origin}/js/${script}"></script>`;

/** A page that may run the gateway's scripts and connect to it, and nothing else. */
function strictPage(path, more = "") {
  const policy = ["default-src 'none'", `script-src ${gateway.origin}`, `connect-src ${gateway.wsUrl.replace(/\/ws$/, "")}`, "base-uri 'none'", "img-src 'self'"].join(";");
  site.pages[path] = { html: html() + more, headers: { "content-security-policy": policy } };
  return `${site.origin}${path}`;
}

/** Chats on a page: the reply to a text, or the code of what went wrong. */
const chatOn = (page, options = {}) => page.evaluate(
  ([url, given]) => new Promise((resolve) => {
    const chat = new Ownwire(url, given);
    chat.onMessage = (text, { session_id }) => (chat.close(), resolve(`${text}, ${session_id.length}`));
    chat.onError = ({ code, fatal }) => fatal && resolve(code);
    void chat.connect();
    chat.send("hello");
  }),
  [gateway.wsUrl, { reconnect: false, ...options }],
);

/** As in browsers from before 2023 to 2025. */
const withoutX25519 = () => {
  const { generateKey } = SubtleCrypto.prototype;
  SubtleCrypto.prototype.generateKey = function (algorithm, ...rest) {
    if (algorithm.name === "X25519") return Promise.reject(new DOMException("", "NotSupportedError"));
    return generateKey.call(this, algorithm, ...rest);
  };
};

test("a page with a strict policy chats with the key that came with the script", { timeout }, async () => {
  const it = await openPage(browser, strictPage("/strict"));
  const scripts = [];
  it.page.on("request", (request) => scripts.push(request.url()));
  assert.equal(await chatOn(it.page), "you said hello, 36");
  assert.deepEqual(scripts.filter((url) => url.startsWith("http")), [], "nothing else was loaded");
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("a browser without X25519 loads the fallbacks, by their hash, under the same policy", { timeout }, async () => {
  const it = await openPage(browser, "about:blank");
  await it.page.addInitScript(withoutX25519);
  await it.page.goto(strictPage("/old"));
  const loaded = it.page.waitForRequest(/ownwire_compat\.js$/);
  assert.equal(await chatOn(it.page), "you said hello, 36");
  assert.equal((await loaded).url(), `${gateway.origin}/js/ownwire_compat.js`);
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("fallbacks that were changed on their way do not run", { timeout }, async () => {
  const it = await openPage(browser, "about:blank");
  await it.page.addInitScript(withoutX25519);
  await it.page.route("**/js/ownwire_compat.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${await response.text()};globalThis.changed = true` });
  });
  await it.page.goto(strictPage("/changed"));
  assert.equal(await chatOn(it.page), "connect_failed");
  assert.equal(await it.page.evaluate(() => globalThis.changed), undefined);
  await it.context.close();
});

test("the script without keys needs server_keys, and a wrong one leads nowhere", { timeout }, async () => {
  site.pages["/nokeys"] = html("ownwire_nokeys.js");
  const it = await openPage(browser, `${site.origin}/nokeys`);
  const construct = (url) => {
    try {
      return String(new Ownwire(url));
    } catch (error) {
      return error.code;
    }
  };
  assert.equal(await it.page.evaluate(construct, gateway.wsUrl), "missing_key");
  assert.equal(await chatOn(it.page, { server_keys: [gateway.ready.server_key] }), "you said hello, 36");
  assert.equal(await chatOn(it.page, { server_keys: ["KOiZFcEslzcVp65XDvZD0Kia7VMFGgtBDq7QFKqDhEE"] }), "unknown_key");
  assert.deepEqual(it.complaints, []);
  await it.context.close();
});

test("a page that is offline waits, and sends when the network is back", { timeout }, async () => {
  const it = await openPage(browser, strictPage("/offline"));
  await it.page.evaluate((url) => {
    globalThis.states = [];
    globalThis.chat = new Ownwire(url, { reconnect: { initialDelayMs: 10, maxDelayMs: 10 } });
    globalThis.chat.onState = (state) => globalThis.states.push(state);
    globalThis.replies = new Promise((resolve) => (globalThis.chat.onMessage = resolve));
    return globalThis.chat.connect();
  }, gateway.wsUrl);
  await it.context.setOffline(true);
  // Emulation leaves open sockets alone; the chat notices that there is no network when it looks.
  await it.page.evaluate(() => globalThis.chat.send("sent offline or not"));
  await it.context.setOffline(false);
  assert.equal(await it.page.evaluate(() => globalThis.replies), "you said sent offline or not");
  await it.context.close();
});
