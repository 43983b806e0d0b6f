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
import { atLeast, atMost, compare, exitCode, judge, microseconds, rate, show } from "./support/figures.js";
import { isOtherEnd, runOtherEnd, startOtherEnd, type Kind } from "./support/other_end.js";
import { startTunnel } from "./support/tunnel.js";
import { call, receive, send } from "./support/traffic.js";

const origin = "http://127.0.0.1";
const turns = 7;
/** Some tenths of a second of each; as many of ours as of the bare ones, so that ramp-up has the same share of both. */
const pieces = { bulk: 512, single: 128, javascript: 32 };
/** Short turns, so that whatever else the machine does hits both alike. */
const latency = { turns: 51, calls: 20 };
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
        ours: () => run(ours, pieces.bulk),
        alone: () => run(ours, pieces.single, 1),
        javascript: () => run(javascript, pieces.javascript),
        bare: () => bare.measure(bareWay, pieces.bulk),
      }, turns);
      const { seconds } = compared;
      const ofJavascript = compared.ratio("javascript", "ours");
      const ofBare = compared.ratio("bare", "ours");
      show(`node, bulk ${way}: session, JavaScript alone, bare`, `${rate(seconds.ours)}, ${rate(seconds.javascript)}, ${rate(seconds.bare)}`);
      show(`node, bulk ${way} on a single stream`, rate(seconds.alone));
      judge(`node.bulk.${way}.javascript`, `node, bulk ${way}, against JavaScript alone`, ofJavascript, atLeast(goals.javascript));
      judge(`node.bulk.${way}.bare`, `node, bulk ${way}, against a bare ws and node:crypto loop`, ofBare, atLeast(goals.bare));
    }
    const small = await compare({ ours: () => call(ours, latency.calls), javascript: () => call(javascript, latency.calls) }, latency.turns);
    const ratio = small.ratio("ours", "javascript");
    show("node, a small call: session, JavaScript alone", `${microseconds(small.seconds.ours)}, ${microseconds(small.seconds.javascript)}`);
    judge("node.call", "node, time of a small call, against JavaScript alone", ratio, atMost(goals.latency));
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
