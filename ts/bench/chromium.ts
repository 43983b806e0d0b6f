// Bulk and small calls from a page in Chromium through a real tunnel: with WebCrypto, with JavaScript alone, and beside the same
// page's WebSocket without any encryption. The other end is Node, in a process of its own.
//
//   npm run bench -- chromium
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { attachMessage, youReceive, youSend } from "./support/bare.js";
import { compare, exitCode, judge, microseconds, rate, show } from "./support/figures.js";
import { isOtherEnd, runOtherEnd, startOtherEnd, type Kind } from "./support/other_end.js";
import type { Page } from "./support/page.js";
import { packageRoot, startTunnel } from "./support/tunnel.js";

const executablePath = process.env["FLOWERSEC_CHROMIUM"] ?? "/usr/bin/chromium";
const browserFlags = [
  "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
];
const turns = 7;
const pieces = { ours: 128, javascript: 32, bare: 256 };
const calls = 100;
const goals = { javascript: 2.2, bare: 0.75, latency: 1.05 };

/** The page's script, as a browser gets the package. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(packageRoot, "bench/support/page.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    alias: {
      "#crypto-platform": join(packageRoot, "src/crypto/browser/platform.ts"),
      "#crypto-sync": join(packageRoot, "src/crypto/noble/platform.ts"),
    },
  });
  return (outputFiles[0] as { text: string }).text;
}

async function measure(): Promise<void> {
  const script = await bundle();
  const server = createServer(({ url }, response) => {
    if (url === "/page.js") response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    else response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [tunnel, browser] = await Promise.all([startTunnel(origin), chromium.launch({ executablePath, args: browserFlags })]);
  const otherEnd = startOtherEnd(fileURLToPath(import.meta.url));
  const meet = (kind: Kind) => {
    const grants = tunnel.channels.issue(crypto.randomUUID());
    otherEnd.meet({ kind, grant: grants.server, origin });
    return grants.client;
  };
  try {
    const tab = await browser.newPage();
    tab.on("pageerror", (error) => console.error(error));
    await tab.goto(origin);
    await tab.waitForFunction("globalThis.page !== undefined");
    /** Calls a function of the page. */
    const inPage = <Name extends keyof Page>(name: Name, ...args: Parameters<Page[Name]>) =>
      tab.evaluate(([wanted, given]) => {
        const { page } = globalThis as unknown as { page: Record<string, (...all: unknown[]) => Promise<number>> };
        return page[wanted as string]!(...(given as unknown[]));
      }, [name, args] as const) as ReturnType<Page[Name]>;

    await inPage("connect", "ours", meet("session"), false);
    // The page is measured: the other end is the same in both.
    await inPage("connect", "javascript", meet("session"), true);
    const grant = meet("bare");
    await inPage("attachBare", grant.tunnel_url, attachMessage(grant));

    for (const way of ["sent", "received"] as const) {
      const [run, bareRun, bareWay] = way === "sent" ? (["send", "sendBare", youReceive] as const) : (["receive", "receiveBare", youSend] as const);
      const compared = await compare({
        ours: () => inPage(run, "ours", pieces.ours),
        javascript: () => inPage(run, "javascript", pieces.javascript),
        bare: () => inPage(bareRun, bareWay, pieces.bare),
      }, turns);
      const { seconds } = compared;
      const ofJavascript = compared.ratio("javascript", "ours");
      const ofBare = compared.ratio("bare", "ours");
      show(`chromium, bulk ${way}: session, JavaScript alone, unencrypted`, `${rate(seconds.ours)}, ${rate(seconds.javascript)}, ${rate(seconds.bare)}`);
      judge(`chromium, bulk ${way}, against JavaScript alone`, ofJavascript, `at least ${goals.javascript}`, ofJavascript >= goals.javascript);
      judge(`chromium, bulk ${way}, against a WebSocket without encryption`, ofBare, `at least ${goals.bare}`, ofBare >= goals.bare);
    }
    const latency = await compare({ ours: () => inPage("call", "ours", calls), javascript: () => inPage("call", "javascript", calls) }, turns);
    const ratio = latency.ratio("ours", "javascript");
    show("chromium, a small call: session, JavaScript alone", `${microseconds(latency.seconds.ours)}, ${microseconds(latency.seconds.javascript)}`);
    judge("chromium, time of a small call, against JavaScript alone", ratio, `at most ${goals.latency}`, ratio <= goals.latency);
  } finally {
    await browser.close();
    otherEnd.stop();
    tunnel.stop();
    server.close();
  }
}

if (isOtherEnd) {
  await runOtherEnd();
} else if (!existsSync(executablePath)) {
  console.log(`chromium: skipped, there is none at ${executablePath} (Debian package chromium)`);
} else {
  await measure();
  process.exit(exitCode());
}
