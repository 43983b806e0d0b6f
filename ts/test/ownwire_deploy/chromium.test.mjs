// A real Chromium through nginx: the demo page with the widget, and the SDK as a script.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { root } from "../browser/demo.mjs";
import { mailbox } from "../ownwire/internal_port.mjs";
import { host, install, startGateway, startNginx } from "./world.mjs";

const { WebSocket } = createRequire(`${root}ts/package.json`)("ws");
const executablePath = process.env.FLOWERSEC_CHROMIUM ?? "/usr/bin/chromium";
const args = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const patience = { timeout: 120_000 };

let nginx;
let gateway;
let browser;
let backend;
const texts = mailbox();
let heard = 0;

/** The site's own program: this test. */
before(async () => {
  install();
  nginx = await startNginx();
  gateway = await startGateway();
  backend = new WebSocket("ws://127.0.0.1:8081/ws");
  backend.on("message", (data) => {
    heard++;
    texts.put(JSON.parse(data));
  });
  await once(backend, "open");
  browser = await chromium.launch({ executablePath, args });
});
after(async () => {
  await browser?.close();
  backend?.terminate();
  await gateway?.stop();
  await nginx?.stop();
});

const reply = (text, content) => backend.send(JSON.stringify({ ...text, content }));

/** A page of the gateway's host, and what went wrong on it. */
async function open(path) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on("console", (entry) => ["error", "warning"].includes(entry.type()) && complaints.push(entry.text()));
  page.on("pageerror", (error) => complaints.push(error.stack));
  await page.goto(`https://${host}${path}`);
  return { page, complaints, close: () => context.close() };
}

test("texts that are sent directly after connect() arrive, in order", patience, async () => {
  const { page, complaints, close } = await open("/embed_example.html");
  await page.addScriptTag({ url: "/js/ownwire.js" });
  const replies = page.evaluate((url) => new Promise((resolve) => {
    const chat = new globalThis.Ownwire(url);
    const seen = [];
    chat.onMessage = (content, { session_id }) => seen.push({ content, session_id }) === 5 && resolve(seen);
    chat.connect();
    for (let i = 1; i <= 5; i++) chat.send(`text ${i}`);
  }), `wss://${host}/ws`);
  for (let i = 1; i <= 5; i++) {
    const text = await texts.next();
    assert.equal(text.content, `text ${i}`);
    reply(text, `reply ${i}`);
  }
  const seen = await replies;
  assert.deepEqual(seen.map(({ content }) => content), [1, 2, 3, 4, 5].map((i) => `reply ${i}`));
  assert.equal(new Set(seen.map(({ session_id }) => session_id)).size, 1);
  assert.deepEqual(complaints, []);
  await close();
});

test("after a reload the widget has its session, its transcript and the replies that it missed", patience, async () => {
  const { page, complaints, close } = await open("/embed_example.html");
  const chat = page.frameLocator("ownwire-widget iframe");
  await page.locator("ownwire-widget button").click();
  await chat.locator("textarea").fill("before the reload");
  await chat.locator("textarea").press("Enter");
  const first = await texts.next();
  assert.deepEqual([first.content, first.metadata], ["before the reload", "username:user1"]);
  reply(first, "seen at once");
  await chat.locator(".message.reply", { hasText: "seen at once" }).waitFor();

  await page.goto("about:blank");
  reply(first, "missed meanwhile");
  await page.goto(`https://${host}/embed_example.html`);
  await chat.locator(".message.reply", { hasText: "missed meanwhile" }).waitFor();
  assert.equal(await chat.locator(".message", { hasText: "before the reload" }).count(), 1, "once");
  assert.equal(await chat.locator(".message.reply", { hasText: "seen at once" }).count(), 1, "once");
  await chat.locator("textarea").fill("after it");
  await chat.locator("textarea").press("Enter");
  const second = await texts.next();
  assert.deepEqual([second.content, second.session_id], ["after it", first.session_id]);
  assert.deepEqual(complaints, []);
  await close();
});

test("a compatible client was sent nothing but what visitors wrote", async () => {
  assert.equal(texts.size, 0, "typing, reloads and ends of sessions are not told");
  assert.equal(heard, 7);
});
