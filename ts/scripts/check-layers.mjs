// Compares every import of src with the table below: imports point down only, platforms stay where they belong.
// Exit 0 when each one is in the table; otherwise prints each new edge and exits 1.
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fromHere } from "./run.mjs";

/** What each folder of src may import besides itself. The words are those of docs/ARCHITECTURE.md. */
const layers = {
  base: [],
  gen: [],
  observability: ["base"],
  crypto: ["base"],
  sealed: ["base", "crypto"],
  identity: ["base", "crypto"],
  token: ["base", "gen", "crypto"],
  handshake: ["base", "gen", "crypto"],
  record: ["base", "crypto"],
  yamux: ["base"],
  framing: ["base"],
  rpc: ["base", "gen", "framing"],
  streamhello: ["base", "gen", "framing"],
  streamio: ["base", "framing", "yamux"],
  ws: ["base", "observability"],
  e2ee: ["base", "gen", "crypto", "handshake", "record"],
  session: ["base", "gen", "crypto", "handshake", "record", "e2ee", "yamux", "framing", "streamhello", "streamio", "rpc", "observability"],
  endpoint: ["base", "gen", "crypto", "token", "handshake", "record", "e2ee", "yamux", "framing", "streamhello", "streamio", "rpc", "ws",
    "session", "sealed", "observability"],
  controlplane: ["base", "gen", "crypto", "token", "endpoint"],
  ownwire: ["base", "crypto", "sealed", "ws", "session", "endpoint", "e2ee", "yamux", "framing", "reconnect", "observability"],
  rendezvous: ["base", "gen", "crypto", "identity", "sealed", "framing", "yamux", "streamhello", "rpc", "ws", "session", "endpoint", "reconnect", "controlplane",
    "observability"],
  chat: ["base", "crypto", "identity", "rendezvous"],
  reconnect: ["base", "gen", "yamux", "rpc", "ws", "session", "endpoint", "controlplane", "observability"],
};
/** Folders that see everything: the package's doors, and the program beside it. */
const above = ["entry", "peer"];
/** Third-party modules, and the places that may import them. */
const thirdParty = [
  { module: /^node:/, places: [/^ws\/node\//, /^crypto\/node\//, /^controlplane\/node\//, /^endpoint\/node(\/|\.ts$)/, /^identity\/node\//, /^entry\/node\.ts$/, /^peer\//] },
  { module: /^ws$/, places: [/^ws\/node\//, /^peer\//] },
  { module: /^@noble\//, places: [/^crypto\/noble\//] },
  { module: /^#crypto-(platform|sync)$/, places: [/^crypto\//] },
  { module: /^#ws-platform$/, places: [/^ownwire\//, /^rendezvous\//] },
];
/** What only some may import: signing, and whatever is for Node. */
const narrow = [
  { target: /^token\/sign/, from: [/^token\//, /^controlplane\//, /^entry\/controlplane\.ts$/] },
  { target: /(^|\/)node(\/|\.ts$)/, from: [/(^|\/)node(\/|\.ts$)/, /^peer\//, /^entry\/(identity|rendezvous)\.ts$/] },
];
const MAX_LINES = 400;

const problems = [];
const files = readdirSync(fromHere("src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .sort();

function check(file, specifier) {
  const layer = file.split("/")[0];
  if (!specifier.startsWith(".")) {
    const rule = thirdParty.find(({ module }) => module.test(specifier));
    if (!rule) problems.push(`${file}: nothing in the table allows ${specifier}`);
    else if (!rule.places.some((place) => place.test(file))) problems.push(`${file}: ${specifier} does not belong here`);
    return;
  }
  const target = posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts");
  if (!files.includes(target)) problems.push(`${file}: ${specifier} is no file of src`);
  const other = target.split("/")[0];
  if (other !== layer && !above.includes(layer) && !layers[layer]?.includes(other)) problems.push(`${file}: layer ${layer} must not import ${other}`);
  for (const { target: what, from } of narrow) {
    if (what.test(target) && !from.some((place) => place.test(file))) problems.push(`${file}: must not import ${target}`);
  }
}

let edges = 0;
for (const file of files) {
  const text = readFileSync(fromHere("src", file), "utf8");
  const lines = text.split("\n").length - 1;
  const layer = file.split("/")[0];
  if (layer !== "gen" && lines > MAX_LINES) problems.push(`${file}: ${lines} lines, at most ${MAX_LINES}`);
  if (!(layer in layers) && !above.includes(layer) && layer !== "testing") problems.push(`${file}: ${layer} is no layer of the table`);
  if (file.endsWith(".test.ts") || layer === "testing") continue;
  if (/^export default\b/m.test(text)) problems.push(`${file}: default export`);
  if (layer !== "gen" && /(:|<|\bas)\s*any\b/.test(text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, ""))) problems.push(`${file}: any`);
  const imports = text.matchAll(/(?:^(?:import|export)\b[^;"']*?\bfrom\s*|^import\s*|\bimport\(\s*)["']([^"']+)["']/gm);
  for (const [, specifier] of imports) {
    edges++;
    check(file, specifier);
  }
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`layers: ${files.length} files, ${edges} imports, every one is in the table`);
