// Every case of cases.json against the peers of both languages. Exit 0 when each had the outcome that its case names.
//
//   node run.mjs --cpp <folder with the C++ programs> --ts <folder with the packed flowersec-peer> --work <folder> [--only <word>] [--except <word>] [--show] [--long]
import { parseArgs } from "node:util";
import { eachCase } from "./cases.mjs";
import { chatClient, playToChatClient } from "./chat.mjs";
import { gateway, playToGateway, playToInternal, playToRegistry, registry } from "./gateways.mjs";
import { playToAttaching, playToCaller, playToClient, playToServer, playToTunnel } from "./play.mjs";
import { playToRegistryClient, registryClient } from "./registries.mjs";
import { attaching, caller, client, folders, sealed, server, stopTroupes, tunnel } from "./shims.mjs";

const { values: given } = parseArgs({
  options: {
    cpp: { type: "string" }, ts: { type: "string" }, work: { type: "string" }, only: { type: "string" }, except: { type: "string" }, show: { type: "boolean" }, long: { type: "boolean" },
  },
});
for (const name of Object.keys(folders)) folders[name] = given[name];
const isLong = given.long || process.env.FLOWERSEC_ADVERSARY === "long";

/** How long those who are patient wait for a peer that takes nothing, longer than any case lasts; and those who are not. */
const patientMs = 600_000;
const hastyMs = 1_000;
const kinds = {
  tunnel: { shim: tunnel, play: playToTunnel, languages: ["C++"] },
  server: { shim: server, play: playToServer },
  sealed: { shim: sealed, play: playToServer },
  client: { shim: client, play: playToClient },
  "patient server": { shim: (language, suite) => sealed(language, suite, patientMs), play: playToServer },
  "hasty server": { shim: (language, suite) => sealed(language, suite, hastyMs), play: playToServer },
  "calling client": { shim: caller, play: playToCaller },
  "tunnel client": { shim: (language, suite) => attaching(language, suite, "tunnel_client"), play: playToAttaching },
  "tunnel server": { shim: (language, suite) => attaching(language, suite, "tunnel_server"), play: playToAttaching },
  gateway: { shim: gateway, play: playToGateway, languages: ["C++"] },
  internal: { shim: gateway, play: playToInternal, languages: ["C++"] },
  "chat client": { shim: chatClient, play: playToChatClient },
  registry: { shim: registry, play: playToRegistry },
  "registry client": { shim: registryClient, play: playToRegistryClient },
};
/** Programs that are played against at the same time: the waits are short, but there are many. */
const atOnce = 4;
/** Connections on which a case may find that our own kernel has stalled (blocked.mjs). */
const stallsAtMost = 10;
/** Of a case that is there for every bit of a message the neighbour is asked from time to time only. */
const bitsBetweenWitnesses = 64;

/** A value that is an object has one for each language: where a library beneath decides, or the interface of a language. */
const expectedOf = (expect, language) =>
  Object.fromEntries(Object.entries(expect).map(([name, value]) => [name, typeof value === "object" ? value[language] : value]));

/** Whether an outcome is the one that was wanted, to the letter. */
const holds = (wanted, got) => [...new Set([...Object.keys(wanted), ...Object.keys(got)])].every((name) => wanted[name] === got[name]);
const words = (outcome) => Object.entries(outcome).map(([name, value]) => `${name} ${value}`).join(", ");

const problems = [];
const counts = new Map();

/** One case, and the neighbour behind it from time to time. */
async function playCase({ group, language, it, play, sampling }, each) {
  const one = { ...each, expect: expectedOf(each.expect, language) };
  const began = performance.now();
  let outcome;
  for (let left = stallsAtMost; left >= 0 && (outcome === undefined || outcome.stalled); left--) outcome = await play(one, it).catch((error) => ({ failed: error.message }));
  if (it.witness && --sampling.untilWitness < 0) {
    await it.witness().catch((error) => (outcome.neighbour = error.message));
    if (each.expect.oracle || one.sampled) sampling.untilWitness = bitsBetweenWitnesses;
  }
  if (given.show) console.log(`${language} | ${group} | ${one.name} | ${words(outcome)} | ${Math.round(performance.now() - began)} ms`);
  if (!holds(one.expect, outcome)) problems.push(`${language}, ${group}, ${one.name}: expected ${words(one.expect)}; got ${words(outcome)}`);
  counts.set(group, (counts.get(group) ?? 0) + 1);
}

/** Groups against one program, which they share: starting it costs more than most of them do. One case after the other: what a server says of one must not be taken for word of another. */
async function playLane({ language, to, suite, groups }) {
  const { shim, play } = kinds[to];
  const it = await shim(language, suite);
  for (const [group, cases] of groups) {
    const sampling = { untilWitness: 0 };
    for (const each of cases) await playCase({ group, language, it, play, sampling }, each);
  }
  await it.stop().catch((error) => problems.push(`${language}, ${to}: ${error.message}`));
}

const cases = [...eachCase(isLong)];
const lanes = new Map();
for (const one of cases) {
  const { to, suite, group } = one;
  for (const language of kinds[to].languages ?? ["C++", "TS"]) {
    if (one.only !== undefined && one.only !== language) continue;
    if (given.only && !`${group} ${one.name}`.includes(given.only)) continue;
    if (given.except && group.includes(given.except)) continue;
    const key = `${language} ${to} ${suite} ${one.in === "tcp"}`;
    if (!lanes.has(key)) lanes.set(key, { language, to, suite, size: 0, groups: new Map() });
    const lane = lanes.get(key);
    if (!lane.groups.has(group)) lane.groups.set(group, []);
    lane.groups.get(group).push(one);
    lane.size++;
  }
}
const left = [...lanes.values()].sort((a, b) => b.size - a.size);
await Promise.all(Array.from({ length: atOnce }, async () => {
  for (let lane = left.shift(); lane !== undefined; lane = left.shift()) await playLane(lane).catch((error) => problems.push(`${lane.language}, ${lane.to}: ${error.stack}`));
}));
for (const error of await stopTroupes()) problems.push(error.message);
for (const [group, count] of [...counts].sort()) console.log(`${group}: ${count}`);
console.log(`${[...counts.values()].reduce((sum, count) => sum + count, 0)} outcomes`);
if (counts.size === 0) problems.push("no case was played");
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
