// OwnWire for a test in a browser: the real gateway on free ports, an internal client, pages of other origins.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build as bundle } from "esbuild";
import { chromium } from "playwright-core";
import WebSocket from "ws";
import { build, listenTo, root } from "./demo.mjs";

export const stepTimeoutMs = 30_000;
const chromiumFlags = [
  "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
  "--host-resolver-rules=MAP insecure.test 127.0.0.1", // a host that is not this machine by its name
];

export const launchBrowser = (options = {}) =>
  chromium.launch({ executablePath: process.env.FLOWERSEC_CHROMIUM ?? "/usr/bin/chromium", args: chromiumFlags, ...options });

/** Things that arrive one by one, and whoever waits for one of them. */
export class Arrivals {
  all = [];
  #waiting = new Set();

  add(item) {
    this.all.push(item);
    this.#waiting.forEach((look) => look());
  }

  /** The first one, since the beginning, that is so. */
  async find(wanted, what = String(wanted)) {
    let look;
    let timer;
    const found = await new Promise((resolve) => {
      look = () => this.all.some(wanted) && resolve(this.all.find(wanted));
      timer = setTimeout(resolve, stepTimeoutMs);
      this.#waiting.add(look);
      look();
    });
    clearTimeout(timer);
    this.#waiting.delete(look);
    assert.notEqual(found, undefined, `waited for ${what}; there is ${JSON.stringify(this.all)}`);
    return found;
  }
}

/** Starts ownwire in a folder of its own. `ready` is the line it prints, `log` what it says on stderr. */
export async function startGateway(...flags) {
  const folder = mkdtempSync(join(tmpdir(), "ownwire-"));
  const args = ["--port", "0", "--internal-addr", "127.0.0.1:0", "--identity-key", join(folder, "identity.json"), ...flags];
  const child = spawn(join(build, "bin/ownwire"), args, { stdio: ["ignore", "pipe", "pipe"], cwd: folder });
  process.on("exit", () => child.kill());
  const { lines: log, next: says } = listenTo(child.stderr);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  const line = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  const ready = JSON.parse(await Promise.race([line, ended.then((code) => Promise.reject(new Error(`ownwire ended with ${code}\n${log.join("\n")}`)))]));
  const port = new URL(ready.http_url).port;
  return {
    ready,
    log,
    says,
    /** As browsers say it: http://localhost is a secure origin. */
    origin: `http://localhost:${port}`,
    wsUrl: `ws://localhost:${port}/ws`,
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      rmSync(folder, { recursive: true });
      return code;
    },
  };
}

/** The site owner's program: hears every text; `answer` gives the replies to it, none by default. */
export async function startBackend(gateway, { answer = () => [], protocol } = {}) {
  const socket = new WebSocket(gateway.ready.internal_ws_url, protocol ? [protocol] : []);
  const heard = new Arrivals();
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.type === undefined || message.type === "message") {
      for (const content of answer(message)) socket.send(JSON.stringify({ ...message, content }));
    }
    heard.add(message);
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return {
    heard,
    /** The message with this text. */
    hears: (content) => heard.find((message) => message.content === content, `the text ${content}`),
    reply: (session_id, content, more = {}) => socket.send(JSON.stringify({ content, session_id, ...more })),
    send: (object) => socket.send(JSON.stringify(object)),
    async stop() {
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.close();
      await closed;
    },
  };
}

/** A site: `pages` maps paths to HTML, or to {html, headers}. */
export async function startSite(pages) {
  const server = createServer((request, response) => {
    const page = pages[new URL(request.url, "http://site").pathname];
    if (page === undefined) return response.writeHead(request.url === "/favicon.ico" ? 204 : 404).end();
    const { html = page, headers = {}, type = "text/html" } = typeof page === "string" ? {} : page;
    response.writeHead(200, { "content-type": `${type}; charset=utf-8`, ...headers }).end(html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    origin: `http://localhost:${port}`,
    port,
    pages,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page whose every complaint is noted. */
export function watch(page) {
  page.setDefaultTimeout(stepTimeoutMs);
  const complaints = [];
  page.on("console", (entry) => ["error", "warning"].includes(entry.type()) && complaints.push(`console: ${entry.text()}`));
  page.on("pageerror", (error) => complaints.push(`page: ${error.stack}`));
  page.on("response", (response) => response.status() >= 400 && complaints.push(`response: ${response.status()} ${response.url()}`));
  return complaints;
}

/** A tab of its own at `url`. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 760 }, locale: "en-GB", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const complaints = watch(page);
  await page.goto(url);
  return { context, page, complaints, ...widgetOf(page) };
}

/** What a test does with the widget of a page. */
export function widgetOf(page) {
  const launcher = page.locator("ownwire-widget button");
  const chat = page.locator("ownwire-widget iframe").contentFrame();
  const has = (selector, hasText) => chat.locator(selector, hasText === undefined ? {} : { hasText }).first().waitFor();
  return {
    launcher,
    chat,
    has,
    open: async () => {
      await launcher.click();
      await chat.locator("textarea").waitFor();
    },
    type: async (text) => {
      await chat.locator("textarea").fill(text);
      await chat.locator("textarea").press("Enter");
    },
    /** Every message, in order: "user: text" or "reply: text". */
    messages: () => chat.locator(".message").evaluateAll((all) => all.map((each) => `${each.classList.contains("reply") ? "reply" : "user"}: ${each.textContent}`)),
    /** The frame itself, to run something in. */
    frame: async () => (await page.locator("ownwire-widget iframe").elementHandle()).contentFrame(),
  };
}

/** HTML of a page with the gateway's loader, called with `options`. */
export function embedding(gateway, options, more = "") {
  const text = JSON.stringify(options).replaceAll("<", "\\u003c");
  return `<!doctype html><html lang="en"><title>A site</title><main><h1>A site</h1></main><script src="${gateway.origin}/js/ownwire_widget.js"></script>
<script>window.chat = ownwireWidget(${text});</script>${more}`;
}

/** The script of a page with `<ownwire-chat>`, for the pages of a site. */
export async function elementScript() {
  const { outputFiles } = await bundle({
    stdin: { contents: 'import { defineOwnwireChat } from "flowersec/ownwire/widget"; defineOwnwireChat();', resolveDir: join(root, "ts") },
    bundle: true, format: "iife", platform: "browser", target: "es2022", write: false,
  });
  return { html: outputFiles[0].text, type: "text/javascript" };
}

const axe = readFileSync(join(root, "ts/node_modules/axe-core/axe.min.js"), "utf8");

/** What axe finds wrong with a document, one line for each. */
export async function axeFindings(frame) {
  if (!(await frame.evaluate(() => "axe" in globalThis))) await frame.evaluate(axe);
  return frame.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { iframes: false, resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  });
}
