// Bulk and small calls through a real tunnel, in Node: with the platform's primitives, with JavaScript alone, and beside a bare
// `ws` and node:crypto loop. Three processes: this one, the other end, flowersec-tunnel.
//
//   npm run bench -- tunnel
import { fileURLToPath } from "node:url";
import { forceCrypto } from "../src/crypto/index.js";
import { nobleCrypto } from "../src/crypto/noble/provider.js";
import { connectTunnelNode } from "../src/endpoint/node.js";
import { AllowPlaintextForLoopback } from "../src/endpoint/policy.js";
import type { Client } from "../src/session/index.js";
import { attachBare, Bare, youReceive, youSend } from "./support/bare.js";
import { compare, exitCode, judge, microseconds, rate, show } from "./support/figures.js";
import { isOtherEnd, runOtherEnd, startOtherEnd, type Kind } from "./support/other_end.js";
import { startTunnel } from "./support/tunnel.js";
import { call, receive, send } from "./support/traffic.js";

const origin = "http://127.0.0.1";
const turns = 7;
/** Enough for some tens of milliseconds of each. */
const pieces = { ours: 256, javascript: 24, bare: 256 };
const calls = 200;
const goals = { javascript: 5, bare: 0.7, latency: 1.05 };

async function measure(): Promise<void> {
  const tunnel = await startTunnel(origin);
  const otherEnd = startOtherEnd(fileURLToPath(import.meta.url));
  const meet = (kind: Kind) => {
    const grants = tunnel.channels.issue(crypto.randomUUID());
    otherEnd.meet({ kind, grant: grants.server, origin });
    return grants.client;
  };
  const connect = async (kind: Kind): Promise<Client> => {
    const grant = meet(kind);
    forceCrypto(kind === "session" ? undefined : nobleCrypto);
    const client = await connectTunnelNode(grant, { origin, transportSecurityPolicy: AllowPlaintextForLoopback });
    forceCrypto(undefined);
    return client;
  };
  try {
    const ours = await connect("session");
    const javascript = await connect("session in JavaScript");
    const bare = new Bare(await attachBare(meet("bare sealed"), origin), true);
    for (const [way, run, bareWay] of [["sent", send, youReceive], ["received", receive, youSend]] as const) {
      const compared = await compare({
        ours: () => run(ours, pieces.ours),
        alone: () => run(ours, pieces.ours, 1),
        javascript: () => run(javascript, pieces.javascript),
        bare: () => bare.measure(bareWay, pieces.bare),
      }, turns);
      const { seconds } = compared;
      const ofJavascript = compared.ratio("javascript", "ours");
      const ofBare = compared.ratio("bare", "ours");
      show(`node, bulk ${way}: session, JavaScript alone, bare`, `${rate(seconds.ours)}, ${rate(seconds.javascript)}, ${rate(seconds.bare)}`);
      show(`node, bulk ${way} on a single stream`, rate(seconds.alone));
      judge(`node, bulk ${way}, against JavaScript alone`, ofJavascript, `at least ${goals.javascript}`, ofJavascript >= goals.javascript);
      judge(`node, bulk ${way}, against a bare ws and node:crypto loop`, ofBare, `at least ${goals.bare}`, ofBare >= goals.bare);
    }
    const latency = await compare({ ours: () => call(ours, calls), javascript: () => call(javascript, calls) }, turns);
    const ratio = latency.ratio("ours", "javascript");
    show("node, a small call: session, JavaScript alone", `${microseconds(latency.seconds.ours)}, ${microseconds(latency.seconds.javascript)}`);
    judge("node, time of a small call, against JavaScript alone", ratio, `at most ${goals.latency}`, ratio <= goals.latency);
    ours.close();
    javascript.close();
  } finally {
    otherEnd.stop();
    tunnel.stop();
  }
}

if (isOtherEnd) {
  await runOtherEnd();
} else {
  await measure();
  process.exit(exitCode());
}
