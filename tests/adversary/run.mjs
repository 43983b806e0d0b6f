// Every case of cases.json against the peers of both languages. Exit 0 when each had the outcome that its case names.
//
//   node run.mjs --cpp <folder with the C++ programs> --ts <folder with the packed flowersec-peer> --work <folder> [--only <word>] [--show]
import { parseArgs } from "node:util";
import { eachCase } from "./cases.mjs";
import { playToClient, playToServer, playToTunnel } from "./play.mjs";
import { client, folders, server, tunnel } from "./shims.mjs";

const { values: given } = parseArgs({
  options: { cpp: { type: "string" }, ts: { type: "string" }, work: { type: "string" }, only: { type: "string" }, show: { type: "boolean" } },
});
for (const name of Object.keys(folders)) folders[name] = given[name];

const kinds = {
  tunnel: { shim: tunnel, play: playToTunnel },
  server: { shim: server, play: playToServer },
  client: { shim: client, play: playToClient },
};

/** A value that is an object has one for each language: where a library beneath decides. */
const expectedOf = (expect, language) =>
  Object.fromEntries(Object.entries(expect).map(([name, value]) => [name, typeof value === "object" ? value[language] : value]));

/** Whether an outcome is the one that was wanted. A reason of a close counts when the case names one. What a client calls the end of its session depends on what it was doing just then: "failed" is any word for it. */
function holds(wanted, got) {
  const names = new Set([...Object.keys(wanted), ...Object.keys(got)]);
  return [...names].every((name) => {
    if (name === "ends" && /^\d+$/.test(wanted.ends ?? "")) return got.ends?.split(" ")[0] === wanted.ends;
    if (name === "says" && wanted.says === "failed") return got.says !== undefined && got.says !== "ok";
    return wanted[name] === got[name];
  });
}
const words = (outcome) => Object.entries(outcome).map(([name, value]) => `${name} ${value}`).join(", ");

/** All cases against the peers of one language, one after the other. */
async function playAll(language) {
  const shims = new Map();
  const results = [];
  for (const one of eachCase()) {
    if (one.to === "tunnel" && language !== "C++") continue; // there is one tunnel
    if (given.only && !`${one.group} ${one.name}`.includes(given.only)) continue;
    // What a server says of one group must not be taken for word of another.
    const key = `${one.to} ${one.suite} ${one.group}`;
    const { shim, play } = kinds[one.to];
    const it = shims.get(key) ?? (await shim(language, one.suite));
    shims.set(key, it);
    const began = performance.now();
    const outcome = await play(one, it).catch((error) => ({ failed: error.message }));
    if (it.witness) await it.witness().catch((error) => (outcome.neighbour = error.message));
    results.push({ one, outcome });
    if (given.show) console.log(`${language} | ${one.group} | ${one.name} | ${words(outcome)} | ${Math.round(performance.now() - began)} ms`);
  }
  for (const [key, shim] of shims) await shim.stop().catch((error) => problems.push(`${language}, ${key}: ${error.message}`));
  return results;
}

const problems = [];
const counts = new Map();
const all = await Promise.all(["C++", "TS"].map(async (language) => ({ language, results: await playAll(language) })));
for (const { language, results } of all) {
  for (const { one, outcome } of results) {
    const expected = expectedOf(one.expect, language);
    const [wanted, got] = [expected, outcome].map(words);
    if (!holds(expected, outcome)) problems.push(`${language}, ${one.group}, ${one.name}: expected ${wanted}; got ${got}`);
    counts.set(one.group, (counts.get(one.group) ?? 0) + 1);
  }
}
for (const [group, count] of counts) console.log(`${group}: ${count}`);
if (all.some(({ results }) => results.length === 0)) problems.push("no case was played");
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
