// Every case of cases.json, several at once, each in a network of its own. Exit 0 when each had the outcome that its case names.
//
//   node run.mjs --cpp <folder with the C++ programs> --work <folder with the packed package> [--only <word>] [--show] [--bulk]
import { copyFileSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measureBulk } from "./bulk.mjs";
import { jobs, payloadBytes } from "./jobs.mjs";
import { file, folders, place, prepare } from "./servers.mjs";
import { makeWorld } from "./world.mjs";

const { values: given } = parseArgs({
  options: { cpp: { type: "string" }, work: { type: "string" }, only: { type: "string" }, show: { type: "boolean" }, bulk: { type: "boolean" } },
});
Object.assign(folders, { cpp: given.cpp, work: given.work });
const here = (name) => new URL(name, import.meta.url);
/** They mostly wait. */
const atOnce = 16;
const languages = { "C++": "TS", TS: "C++" }; // a client's, and its server's

/** A value that is an object has one for each language. */
const expectedOf = (expect, language) =>
  Object.fromEntries(Object.entries(expect).map(([name, value]) => [name, typeof value === "object" ? value[language] : value]));
const words = (outcome) => Object.entries(outcome).sort().map(([name, value]) => `${name} ${value}`).join(", ");

/** What the link did to packets, other than to let them pass or to have no more room: a case must have met what it is about. */
function happened({ there, back }) {
  const names = ["lost", "swallowed", "too_big", "duplicated", "reordered"].filter((name) => there[name] + back[name] > 0);
  return names.length === 0 ? {} : { packets: names.join(" and ") };
}

/** At least, one behind the other: TCP, TLS, the upgrade, the handshake. The twelve checks have some eighty. */
const roundTrips = { stay: 4, checks: 40 };

/** A link on which a case is over sooner than its delay and its rate allow did not do what it was told. */
function tooFast({ link, job, ...one }, ms) {
  const { delay_ms = 0, rate_kbit = Infinity } = Object.fromEntries(link.both.split(" ").map((word) => word.split("=")));
  const least = roundTrips[job] * 2 * Number(delay_ms) + (payloadBytes[job](one) * 8) / Number(rate_kbit);
  return ms >= least ? {} : { link: `over in ${Math.round(ms)} ms, which takes ${Math.round(least)}` };
}

async function play(one, language) {
  const world = await makeWorld(folders.cpp, one);
  try {
    const where = await place(world.server, { ...one, language: languages[language] });
    try {
      const began = performance.now();
      const outcome = await jobs[one.job](world, where, { ...one, language, isLong: one.long });
      return { ...outcome, ...tooFast(one, performance.now() - began), ...happened(await world.figures()) };
    } finally {
      await where.close();
    }
  } finally {
    await world.close();
  }
}

async function playAll() {
  const isLong = process.env.FLOWERSEC_LAB === "long";
  const all = JSON.parse(readFileSync(here("cases.json"), "utf8"))
    .filter(({ name, long }) => (isLong || !long) && (!given.only || name.includes(given.only)))
    .flatMap((one) => Object.keys(languages).map((language) => ({ one, language })));
  const problems = all.length === 0 ? ["no case was played"] : [];
  const waiting = [...all];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { one, language } = next;
      const began = performance.now();
      const outcome = await play(one, language).catch((error) => ({ failed: error.message }));
      const expected = expectedOf(one.expect, language);
      if (words(outcome) !== words(expected)) problems.push(`${language}, ${one.name}: expected ${words(expected)}; got ${words(outcome)}`);
      if (given.show) console.log(`| ${language} | ${one.name} | ${words(outcome)} | ${((performance.now() - began) / 1000).toFixed(1)} s |`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.log(`${all.length} cases`);
  return problems;
}

await prepare();
copyFileSync(here("client.mjs"), file("client.mjs"));
const problems = given.bulk ? await measureBulk() : await playAll();
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
