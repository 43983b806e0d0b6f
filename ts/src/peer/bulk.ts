// Uploads and downloads, checked byte by byte.
import { createHash } from "node:crypto";
import type { Client } from "../session/index.js";
import { require } from "./checks.js";
import { fillPattern, matchesPattern } from "./pattern.js";
import { ProgressBar } from "./progress.js";
import type { ClientReport } from "./report.js";
import { blockBytes, readLine, writeLine } from "./wire.js";

export interface BulkPlan {
  readonly bytes: number;
  readonly streams: number;
  readonly showProgress: boolean;
}

const mib = 1_048_576;
const breathBytes = 64 * mib;

/** The share of one of the streams; the first takes the rest. */
const share = ({ bytes, streams }: BulkPlan, index: number) => Math.floor(bytes / streams) + (index === 0 ? bytes % streams : 0);

function* pieces(bytes: number): Generator<[offset: number, piece: Uint8Array]> {
  const block = new Uint8Array(blockBytes);
  for (let offset = 0; offset < bytes; offset += blockBytes) {
    const piece = block.subarray(0, Math.min(blockBytes, bytes - offset));
    fillPattern(offset, piece);
    yield [offset, piece];
  }
}

/** What a sink answers to this many bytes. Computed before the clock starts; lets the session breathe in between. */
async function sinkAnswer(n: number): Promise<string> {
  const hash = createHash("sha256");
  for (const [offset, piece] of pieces(n)) {
    hash.update(piece);
    if (offset % breathBytes === 0) await new Promise(setImmediate);
  }
  return JSON.stringify({ n, sha256: hash.digest("hex") });
}

async function upload(client: Client, bytes: number, expected: string, bar: ProgressBar): Promise<void> {
  const stream = await client.openStream("sink");
  for (const [, piece] of pieces(bytes)) {
    await stream.write(piece);
    bar.add(piece.length);
  }
  await stream.close();
  require((await readLine(stream)) === expected, "sink answered another length or hash");
}

async function download(client: Client, bytes: number, bar: ProgressBar): Promise<void> {
  const stream = await client.openStream("source");
  await writeLine(stream, { n: bytes });
  let offset = 0;
  for await (const chunk of stream) {
    require(matchesPattern(offset, chunk), `source sent other bytes near ${offset}`);
    offset += chunk.length;
    bar.add(chunk.length);
  }
  require(offset === bytes, `source sent ${offset} of ${bytes} bytes`);
}

async function transfer(name: "upload" | "download", plan: BulkPlan, report: ClientReport, start: (index: number, bar: ProgressBar) => Promise<void>): Promise<void> {
  const bar = new ProgressBar(name === "upload" ? "sending" : "receiving", plan.bytes, plan.showProgress);
  const startedAt = performance.now();
  const finishedMs: number[] = [];
  const one = async (index: number) => {
    await start(index, bar);
    finishedMs.push(performance.now() - startedAt);
  };
  try {
    await Promise.all(Array.from({ length: plan.streams }, (_, index) => one(index)));
  } finally {
    bar.end();
  }
  const lastMs = finishedMs.at(-1) as number;
  report.figure(`${name}_mib`, plan.bytes / mib);
  report.figure(`${name}_mib_per_s`, plan.bytes / mib / (lastMs / 1000));
  report.figure(`${name}_median_ms`, finishedMs[finishedMs.length >> 1] as number);
  report.figure(`${name}_last_ms`, lastMs);
}

export async function checkUpload(client: Client, plan: BulkPlan, report: ClientReport): Promise<void> {
  const answers: string[] = [];
  for (let i = 0; i < plan.streams; i++) answers.push(await sinkAnswer(share(plan, i)));
  await transfer("upload", plan, report, (index, bar) => upload(client, share(plan, index), answers[index] as string, bar));
}

export async function checkDownload(client: Client, plan: BulkPlan, report: ClientReport): Promise<void> {
  await transfer("download", plan, report, (index, bar) => download(client, share(plan, index), bar));
}
