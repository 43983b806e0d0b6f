// This project's WebSockets against those of other makers: `ws`, Debian's python3-websockets and Chromium. Exit 0 when all
// outcomes are the table's.
//
//   node run.mjs --cpp <ws-peer> --ts <folder with the packed package> --python <python3, or none> --chromium <file, or none> [--only WORD] [--show]
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cases } from "./cases.mjs";
import { openPage } from "./chromium.mjs";
import { play } from "./play_ws.mjs";
import { Program } from "./programs.mjs";
import { wrapperOutcomes } from "./wrapper.mjs";

const text = { type: "string" };
const { values: options } = parseArgs({ options: { cpp: text, ts: text, python: text, chromium: text, only: text, show: { type: "boolean" } } });
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..", "..");
const { WebSocket, WebSocketServer } = createRequire(join(root, "ts", "at.js"))("ws");
const python = (...args) => new Program(options.python, join(here, "peer.py"), ...args);
const pingMs = 40;

const problems = [];
let held = 0;
function compare(name, expected, got) {
  if (got === expected) return held++;
  problems.push(`${name}:\n  expected ${expected}\n  got      ${got}`);
}

/** ws-peer as a server, the tester connects; or ws-peer connects to the tester. `one` plays a case and gives what it saw. */
async function playAll(tester, can, one) {
  for (const each of cases.filter(({ name, needs }) => name.includes(options.only ?? "") && (needs === undefined || can.includes(needs)))) {
    const name = `${tester}, ${each.name}`;
    try {
      const { seen, own } = await one(each);
      compare(name, `${each.seen}; ${each.own}`, `${seen}; ${own}`);
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
      return; // whoever plays it may be gone
    }
  }
}

/** ws-peer as a server, for one tester. */
async function served(tester) {
  const server = new Program(options.cpp, "serve");
  const url = `ws://127.0.0.1:${(await server.line()).split(" ")[1]}/`;
  await tester(url, async () => (await server.line()).trimEnd());
  await server.stop();
}

async function asClients() {
  await served((url, ownLine) => playAll("ws as a client", ["frames", "codes"], async (each) => {
    const socket = new WebSocket(url, { perMessageDeflate: true }); // offered, and not taken
    await once(socket, "open");
    return { seen: await play(socket, each), own: await ownLine() };
  }));
  if (options.python) await served(async (url, ownLine) => {
    const client = python("client", url);
    await playAll("python3-websockets as a client", ["frames", "codes"], async (each) => {
      client.tell(each);
      return { seen: JSON.parse(await client.line()), own: await ownLine() };
    });
    await client.stop();
  });
  if (options.chromium) await served(async (url, ownLine) => {
    const page = await openPage(root, options.chromium);
    await playAll("Chromium", [], async (each) => ({ seen: await page.play(url, each), own: await ownLine() }));
    await page.close();
  });
}

async function asServers() {
  const connect = async (port, pings) => {
    const own = new Program(options.cpp, "connect", `ws://127.0.0.1:${port}/`, ...(pings ? [String(pingMs)] : []));
    const line = (await own.line()).trimEnd();
    const code = await own.ended;
    return code === 0 ? line : `${line}, exit code ${code}`;
  };
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, maxPayload: 0 });
  await once(server, "listening");
  await playAll("ws as a server", ["frames", "codes", "pings"], async (each) => {
    const accepted = once(server, "connection");
    const ended = connect(server.address().port, each.needs === "pings");
    const [socket] = await accepted;
    return { seen: await play(socket, each), own: await ended };
  });
  server.close();
  if (!options.python) return;
  const other = python("serve");
  const port = await other.line();
  await playAll("python3-websockets as a server", ["frames", "codes"], async (each) => {
    other.tell(each);
    const ended = connect(port);
    return { seen: JSON.parse(await other.line()), own: await ended };
  });
  await other.stop();
}

async function wrapper() {
  const servers = { "ws-peer": new Program(options.cpp, "serve") };
  if (options.python) servers["python3-websockets"] = python("echo");
  for (const [name, server] of Object.entries(servers)) {
    const port = (await server.line()).split(" ").at(-1);
    for await (const { what, expected, got } of wrapperOutcomes(options.ts, `ws://127.0.0.1:${port}/`)) compare(`TypeScript as a client of ${name}, ${what}`, expected, got);
    await server.stop();
  }
}

const began = Date.now();
await Promise.all([asClients(), asServers(), wrapper()]);
if (options.show) for (const { name, seen, own } of cases) console.log(`${name}\n    the peer: ${seen}; this side: ${own}`);
for (const problem of problems) console.error(problem);
console.log(`ws: ${held} outcomes as they should be, ${problems.length} not, ${Date.now() - began} ms`);
process.exitCode = problems.length === 0 && held > 0 ? 0 : 1;
