// How fast one stream is over a long fat path, and how fair eight are: direct, 100 ms, 1 Gbit/s, as ratios to raw TCP on the same link; medians.
import { availableParallelism } from "node:os";
import { start } from "./programs.mjs";
import { file, folders, origin, peerOf, place, program } from "./servers.mjs";
import { makeWorld, serverAddress } from "./world.mjs";

const roundTripMs = 100;
const link = { both: `delay_ms=${roundTripMs / 2} rate_kbit=1000000 queue=12500000` }; // the queue of one round trip
const mib = 1_048_576;
const widestMibPerS = 4 / (roundTripMs / 1000); // a window of 4 MiB a round trip
const goals = { overNarrow: 8, ofPossible: 0.8, lastToMedian: 1.05 };
const patienceMs = 180_000;
const streams = 8;
const mibOf = { raw: 512, narrow: 16, wide: 512, fair: 64 * streams };
const repeats = 3; // the machine has neighbours

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
async function repeated(measureOnce) {
  const all = [];
  for (let i = 0; i < repeats; i++) all.push(await measureOnce());
  return all;
}

async function rawTcp(world) {
  const sink = start(world.server, program("flowersec-lab-link"), "sink", 9000);
  await sink.json();
  const sender = start(world.client, program("flowersec-lab-link"), "send", serverAddress, 9000, mibOf.raw * mib);
  const { bytes, ms } = await sender.json(patienceMs);
  await Promise.all([sink.ended, sender.ended]);
  return bytes / mib / (ms / 1000);
}

/** Takes the time that nobody wants. A virtual machine that falls asleep wakes up late, and the round trip is longer than the link's. */
const stayAwake = (world) =>
  Array.from({ length: availableParallelism() }, () => start(world.client, "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"));

/** What a peer says of one transfer in each direction; `flags` are for both ends. */
async function transfer(world, language, sizeMib, streamCount, ...flags) {
  const where = await place(world.server, { path: "direct", language, flags });
  try {
    const client = start(
      world.client, peerOf(language), "client", ...(await where.grants()), "--origin", origin, "--ca", file("ca.pem"), "--quiet", "--only-bulk", "--mib", sizeMib,
      "--streams", streamCount, ...flags,
    );
    const { ok, checks, figures } = await client.json(patienceMs);
    if (!ok) throw new Error(JSON.stringify(checks));
    return figures;
  } finally {
    await where.close();
  }
}

/** Whether the peer of this language has windows that grow. */
async function hasWide(world, language) {
  const help = start(world.client, peerOf(language), "client", "-help");
  await help.ended;
  return help.err().includes("-wide-window-session-bytes");
}

async function measure(world, language, raw, problems) {
  const isWide = await hasWide(world, language);
  const narrow = await repeated(() => transfer(world, language, mibOf.narrow, 1, ...(isWide ? ["--wide-window-session-bytes", "0"] : [])));
  const wide = isWide ? await repeated(() => transfer(world, language, mibOf.wide, 1)) : narrow;
  const fair = await repeated(() => transfer(world, language, mibOf.fair, streams));
  const possible = Math.min(raw, widestMibPerS);
  for (const way of ["upload", "download"]) {
    const rate = (figures) => median(figures.map((each) => each[`${way}_mib_per_s`]));
    const ratios = {
      overNarrow: rate(wide) / rate(narrow), ofPossible: rate(wide) / possible,
      lastToMedian: median(fair.map((each) => each[`${way}_last_ms`] / each[`${way}_median_ms`])),
    };
    console.log(`| ${[
      language, way, raw.toFixed(1), rate(narrow).toFixed(2), isWide ? rate(wide).toFixed(1) : "none", ratios.overNarrow.toFixed(2), ratios.ofPossible.toFixed(2),
      rate(fair).toFixed(1), ratios.lastToMedian.toFixed(3),
    ].join(" | ")} |`);
    if (ratios.overNarrow < goals.overNarrow) problems.push(`${language} ${way}: less than ${goals.overNarrow} times what 256 KiB allow`);
    if (ratios.ofPossible < goals.ofPossible) problems.push(`${language} ${way}: less than ${goals.ofPossible} of what is possible`);
    if (ratios.lastToMedian > goals.lastToMedian) problems.push(`${language} ${way}: the last of ${streams} streams is later than ${goals.lastToMedian} of the median`);
  }
}

/** Prints the table; returns which goals were missed. */
export async function measureBulk() {
  const world = await makeWorld(folders.cpp, { link, offload: true });
  const problems = [];
  const awake = stayAwake(world);
  const raw = median(await repeated(() => rawTcp(world)));
  console.log("| language | direction | raw TCP MiB/s | 256 KiB MiB/s | one stream MiB/s | times 256 KiB | of possible | 8 streams MiB/s | last to median |");
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const language of ["C++", "TS"]) await measure(world, language, raw, problems);
  awake.forEach((each) => each.stop());
  await world.close();
  return problems;
}
