// Chromium with one page, and nothing else attached to it: the developer tools copy every message of a WebSocket to whoever
// drives the browser, which costs several times what is measured. The page asks for its work by HTTP instead.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const flags = [
  "--headless=new", "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
];
/** How long a browser may take to start. */
const readyMs = 30_000;
const document = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`;

/** What is behind the page's script: takes a call, makes it, posts what came of it, takes the next. */
const loop = `
let outcome = {};
for (;;) {
  const [name, args] = await (await fetch("/next", { method: "POST", body: JSON.stringify(outcome) })).json();
  outcome = await page[name](...args).then((value) => ({ value }), (error) => ({ error: String(error?.stack ?? error) }));
}`;

interface Outcome {
  readonly value?: unknown;
  readonly error?: string;
}

export interface BrowserPage {
  readonly origin: string;
  /** Calls a function of the page's `page`. Rejects with what it throws. One call at a time. */
  call(name: string, ...args: readonly unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

/** Opens a page that runs a script, which sets `page` of its global object. */
export async function openPage(executable: string, script: string): Promise<BrowserPage> {
  let onTurn: (outcome: Outcome, response: ServerResponse) => void;
  let waiting: ServerResponse;
  const turn = () =>
    new Promise<Outcome>((resolve) => {
      onTurn = (outcome, response) => {
        waiting = response;
        resolve(outcome);
      };
    });
  const ready = turn();
  const server = createServer((request, response) => {
    if (request.url === "/page.js") return void response.writeHead(200, { "content-type": "text/javascript" }).end(script + loop);
    if (request.url !== "/next") return void response.writeHead(200, { "content-type": "text/html" }).end(document);
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString())).on("end", () => onTurn(JSON.parse(body) as Outcome, response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const profile = mkdtempSync(join(tmpdir(), "flowersec-page-"));
  const browser = spawn(executable, [...flags, `--user-data-dir=${profile}`, origin], { stdio: "ignore", detached: true });
  const kill = () => browser.pid !== undefined && process.kill(-browser.pid, "SIGKILL"); // with the processes it has started
  process.on("exit", kill);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  const fail = (what: string) => {
    console.error(`chromium: ${what}`);
    process.exit(1);
  };
  const onExit = () => fail("ended");
  browser.once("exit", onExit);
  const late = setTimeout(() => fail(`no page after ${readyMs / 1000} s`), readyMs);
  await ready;
  clearTimeout(late);
  return {
    origin,
    async call(name, ...args) {
      const answer = turn();
      waiting.end(JSON.stringify([name, args]));
      const { value, error } = await answer;
      if (error !== undefined) throw new Error(`in the page: ${error}`);
      return value;
    },
    async close() {
      const ended = once(browser, "exit");
      process.off("exit", kill);
      browser.off("exit", onExit);
      kill();
      await ended;
      server.closeAllConnections();
      server.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
