// Sealing and opening of records: what a session uses here, against the same through @noble/ciphers, in one run.
//
//   npm run bench -- records          (node scripts/bench.mjs records)
//
// Each row alternates A B A B and prints the median of the ratios, so that a busy machine slows both. A record is sealed and
// opened by the package's own Sealer and Opener: header, nonce, sequence, checks and copies are part of the figure.
import type { CryptoProvider } from "../src/crypto/index.js";
import { webCrypto } from "../src/crypto/browser/provider.js";
import { nobleCrypto } from "../src/crypto/noble/provider.js";
import { nodeCrypto } from "../src/crypto/node/provider.js";
import { atLeast, exitCode, judge, median } from "./support/figures.js";
import { Opener, recordApp, Sealer, clientToServer } from "../src/record/index.js";

const sizes = [64, 256, 1024, 4096, 16_384, 65_536];
const rounds = 5;
/** Records in flight, where an answer comes later. */
const window = 8;
/** The goal of docs/PERFORMANCE_TYPESCRIPT.md at 64 KiB in Node. */
const goal = 5;

const keys = () => ({
  way: clientToServer as typeof clientToServer,
  key: new Uint8Array(32).fill(1),
  prefix: new Uint8Array(4),
  rekeyBase: new Uint8Array(32),
  transcriptHash: new Uint8Array(32),
});

/** Seconds for one record, sealed and opened. */
async function secondsOf(crypto: CryptoProvider, size: number, count: number): Promise<number> {
  const sealer = await Sealer.create(crypto, keys());
  const opener = await Opener.create(crypto, keys(), 1_048_576);
  const plaintext = new Uint8Array(size);
  const start = performance.now();
  for (let done = 0; done < count; done += window) {
    const frames = Array.from({ length: window }, () => sealer.seal(recordApp, plaintext));
    const opened = [];
    for (const frame of frames) opened.push(opener.open(await frame).plaintext);
    for (const each of opened) await each;
  }
  return (performance.now() - start) / 1000 / (Math.ceil(count / window) * window);
}

/** Enough records for some 40 ms. */
async function countFor(crypto: CryptoProvider, size: number): Promise<number> {
  return Math.max(window, Math.round(0.04 / (await secondsOf(crypto, size, 32))));
}

export interface RecordRow {
  size: number;
  subject: string;
  /** Records a second, sealed and opened. */
  perSecond: number;
  megabytesPerSecond: number;
  /** Times as fast as @noble/ciphers. */
  ratio: number;
}

export async function measure(subject: CryptoProvider, size: number): Promise<RecordRow> {
  const [ours, theirs] = [await countFor(subject, size), await countFor(nobleCrypto, size)];
  const pairs: { own: number; ratio: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const own = await secondsOf(subject, size, ours);
    pairs.push({ own, ratio: (await secondsOf(nobleCrypto, size, theirs)) / own });
  }
  const perSecond = 1 / median(pairs.map(({ own }) => own));
  const ratio = median(pairs.map((pair) => pair.ratio));
  return { size, subject: subject.name, perSecond, megabytesPerSecond: (perSecond * size) / 1e6, ratio };
}

console.log("records sealed and opened      bytes    records/s       MB/s   times @noble/ciphers");
let atGoal = 0;
for (const subject of [nodeCrypto, webCrypto(crypto.subtle)]) {
  for (const size of sizes) {
    const row = await measure(subject, size);
    const columns = [row.perSecond.toFixed(0).padStart(12), row.megabytesPerSecond.toFixed(1).padStart(10), row.ratio.toFixed(1).padStart(8)];
    console.log(`${row.subject.padEnd(28)} ${String(size).padStart(7)} ${columns.join(" ")}`);
    if (subject === nodeCrypto && size === 65_536) atGoal = row.ratio;
  }
}
judge("node.records.64k", "node, records of 64 KiB, against @noble/ciphers", atGoal, atLeast(goal));
process.exitCode = exitCode();
