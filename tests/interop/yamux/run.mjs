// Both languages of this project, as client and as server, against hashicorp's yamux. Exit 0 when all outcomes are the table's.
//
//   node run.mjs --cpp <yamux-peer> --go <the Go program> --ts <folder with the packed package> [--only WORD] [--show]
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cases } from "./cases.mjs";
import { faultsOf, Link, Party } from "./party.mjs";

const text = { type: "string" };
const { values: options } = parseArgs({ options: { cpp: text, go: text, ts: text, only: text, show: { type: "boolean" } } });
const here = dirname(fileURLToPath(import.meta.url));
const programs = { "C++": [options.cpp], TS: [process.execPath, join(here, "peer.mjs"), options.ts] };
const mostMs = 90_000;

/** One case; what came of it. */
async function play([, , script, settings = {}], own, go, role) {
  const link = await Link.make();
  const other = role === "client" ? "server" : "client";
  let timer;
  const tooLong = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`nothing for ${mostMs} ms`)), mostMs)));
  try {
    for (const [party, as, more] of [[own, role, settings.own], [go, other, settings.go]]) {
      const started = await party.ask(`session ${as} to=${link.port}${more ? ` ${more}` : ""}`);
      if (started !== "ok") throw new Error(started);
    }
    [link.own, link.go] = link.taps;
    const outcome = await Promise.race([script({ own, go, link }), tooLong]);
    const faults = faultsOf(link.own.headers, link.go.headers);
    return faults.length > 0 ? `${outcome}; on the wire: ${faults.join(", ")}` : outcome;
  } finally {
    clearTimeout(timer);
    link.close();
  }
}

const wanted = cases.filter(([name]) => name.includes(options.only ?? ""));
const problems = [];
let held = 0;
const began = Date.now();

await Promise.all(Object.entries(programs).map(async ([language, command]) => {
  for (const role of ["client", "server"]) {
    let [own, go] = [];
    for (const each of wanted) {
      own ??= new Party(...command);
      go ??= new Party(options.go);
      const [name, expected] = each;
      const outcome = await play(each, own, go, role).catch((error) => `failed: ${error.message}`);
      if (outcome === expected) {
        held++;
        continue;
      }
      problems.push(`${language} as ${role}, ${name}:\n  expected ${expected}\n  got      ${outcome}`);
      [own, go].forEach((party) => party.child.kill("SIGKILL")); // the next case begins with new ones
      [own, go] = [];
    }
    for (const party of [own, go]) {
      const code = await party?.stop();
      if (code) problems.push(`${language} as ${role}: a program ended with ${code}`);
    }
  }
}));

if (options.show) for (const [name, outcome] of wanted) console.log(`${name}\n    ${outcome}`);
for (const problem of problems) console.error(problem);
console.log(`yamux: ${held} of ${wanted.length * 4} outcomes as they should be, ${Date.now() - began} ms`);
process.exitCode = problems.length === 0 && held > 0 ? 0 : 1;
