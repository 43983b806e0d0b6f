// Bulk and small calls from a page in Chromium through a real tunnel: with WebCrypto, with JavaScript alone, and beside the same
// page's WebSocket without any encryption. The other ends are as light as there are: for sessions flowersec-peer with records of
// 64 KiB, for the bare WebSocket Node, which sends one masked frame over and over.
//
//   npm run bench -- chromium
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { ChannelInitGrant } from "../src/gen/flowersec/controlplane/v1.gen.js";
import { attachMessage, youReceive, youSend } from "./support/bare.js";
import { openPage } from "./support/browser.js";
import { atLeast, atMost, compare, exitCode, judge, microseconds, rate, show } from "./support/figures.js";
import { isOtherEnd, runOtherEnd, startOtherEnd } from "./support/other_end.js";
import type { Page } from "./support/page.js";
import { startPeer } from "./support/peer.js";
import { packageRoot, startTunnel } from "./support/tunnel.js";

const executable = process.env["FLOWERSEC_CHROMIUM"] ?? "/usr/bin/chromium";
const turns = 7;
/** Some tenths of a second of each; as many of ours as of the bare ones, so that both have their streams' ramp-up in the same share. */
const pieces = { bulk: 512, javascript: 32 };
/** Short turns, so that whatever else the machine does hits both alike. */
const latency = { turns: 51, calls: 20 };
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
  const page = await openPage(executable, await bundle());
  const { origin } = page;
  const tunnel = await startTunnel(origin);
  const otherEnd = startOtherEnd(fileURLToPath(import.meta.url));
  const grantFor = (meet: (grant: ChannelInitGrant) => void) => {
    const grants = tunnel.channels.issue(crypto.randomUUID());
    meet(grants.server);
    return grants.client;
  };
  const peer = (grant: ChannelInitGrant) => startPeer(grant, origin);
  const inPage = <Name extends keyof Page>(name: Name, ...args: Parameters<Page[Name]>) => page.call(name, ...args) as ReturnType<Page[Name]>;
  try {
    // The page is measured: the other end is the same in both.
    for (const [name, isJavascript] of [["ours", false], ["javascript", true]] as const) await inPage("connect", name, grantFor(peer), isJavascript);
    const grant = grantFor((server) => otherEnd.meet({ kind: "bare", grant: server, origin }));
    await inPage("attachBare", grant.tunnel_url, attachMessage(grant));

    for (const way of ["sent", "received"] as const) {
      const [run, bareRun, bareWay] = way === "sent" ? (["send", "sendBare", youReceive] as const) : (["receive", "receiveBare", youSend] as const);
      const { seconds, ratio } = await compare({
        ours: () => inPage(run, "ours", pieces.bulk),
        javascript: () => inPage(run, "javascript", pieces.javascript),
        bare: () => inPage(bareRun, bareWay, pieces.bulk, false),
        sealed: () => inPage(bareRun, bareWay, pieces.bulk, true),
      }, turns);
      const [ofJavascript, ofBare] = [ratio("javascript", "ours"), ratio("bare", "ours")];
      show(`chromium, bulk ${way}: session, JavaScript alone, unencrypted`, `${rate(seconds.ours)}, ${rate(seconds.javascript)}, ${rate(seconds.bare)}`);
      judge(`chromium.bulk.${way}.javascript`, `chromium, bulk ${way}, against JavaScript alone`, ofJavascript, atLeast(goals.javascript));
      judge(`chromium.bulk.${way}.bare`, `chromium, bulk ${way}, against a WebSocket without encryption`, ofBare, atLeast(goals.bare));
      show(`  where WebCrypto and nothing else is put before it`, `${ratio("bare", "sealed").toFixed(2)} x, ${rate(seconds.sealed)}`);
    }
    const small = await compare({
      ours: () => inPage("call", "ours", latency.calls),
      javascript: () => inPage("call", "javascript", latency.calls),
    }, latency.turns);
    const ratio = small.ratio("ours", "javascript");
    show("chromium, a small call: session, JavaScript alone", `${microseconds(small.seconds.ours)}, ${microseconds(small.seconds.javascript)}`);
    judge("chromium.call", "chromium, time of a small call, against JavaScript alone", ratio, atMost(goals.latency));
  } finally {
    await page.close();
    otherEnd.stop();
    tunnel.stop();
  }
}

if (isOtherEnd) {
  await runOtherEnd();
} else if (!existsSync(executable)) {
  console.log(`chromium: skipped, there is none at ${executable} (Debian package chromium)`);
} else {
  await measure();
  process.exit(exitCode());
}
