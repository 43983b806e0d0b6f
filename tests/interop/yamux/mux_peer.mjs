// The TypeScript multiplexer as a peer of the random programs of cpp/tests/model/mux: a request a line on stdin; on stdout what
// became known, and the answer. It works only when asked.
//
//   node mux_peer.mjs <folder of the built package> client|server [active=N] [inbound=N] [out=N] [queue=N] [session=N]
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, role, ...given] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(folder, "yamux", `${name}.js`)));
const { YamuxCore } = await load("core");
const { checkYamuxLimits } = await load("limits");

const names = {
  active: "maxActiveStreams", inbound: "maxInboundStreams", out: "preferredOutboundFrameBytes", queue: "maxStreamWriteQueueBytes",
  session: "maxSessionReceiveBytes",
};
const limits = Object.fromEntries(given.map((word) => word.split("=")).map(([name, value]) => [names[name], Number(value)]));
const core = new YamuxCore(role === "client", checkYamuxLimits(limits));

/** What stands at a place of a stream that this side writes. */
const pattern = (id, at) => (at * 31 + (at >>> 8) * 17 + id * 7 + (role === "client" ? 101 : 0)) & 255;

function digestOf(bytes) {
  let digest = 2_166_136_261;
  for (const byte of bytes) digest = Math.imul(digest ^ byte, 16_777_619);
  return (digest >>> 0).toString(16).padStart(8, "0");
}

const streams = new Map(); // id -> { state, written, waiting }
let hasEnded = false;
const add = (state) => streams.set(state.id, { state, written: 0, waiting: undefined });

/** At most `most` bytes of what is there; null at the end, undefined when there is nothing. */
function take(state, most) {
  const chunks = [];
  for (let left = most; left > 0; ) {
    const chunk = core.read(state, left);
    if (chunk === null && chunks.length === 0) return null;
    if (!chunk) break;
    chunks.push(chunk);
    left -= chunk.length;
  }
  return chunks.length > 0 ? Buffer.concat(chunks) : undefined;
}

function write(it, count) {
  const { state } = it;
  if (!state.isOpen || state.finWanted) return "no";
  if (count === 0) return "ok";
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = pattern(state.id, it.written + i);
  try {
    core.write(state, bytes);
  } catch {
    return "no";
  }
  it.written += count;
  return "ok";
}

function read(it, most, waits) {
  if (!it.state.isOpen || it.waiting !== undefined) return "no";
  const bytes = take(it.state, most);
  if (bytes === null) return "end";
  if (bytes) return `ok ${bytes.length} ${digestOf(bytes)}`;
  if (waits) it.waiting = most;
  return "none";
}

function answerTo(verb, first, second) {
  const id = Number(first);
  const it = streams.get(id);
  switch (verb) {
    case "open":
      try {
        const state = core.open();
        add(state);
        return `ok ${state.id}`;
      } catch {
        return "no";
      }
    case "write":
      return it ? write(it, Number(second)) : "no";
    case "read":
    case "wait":
      return it ? read(it, Number(second), verb === "wait") : "no";
    case "close":
      if (!it?.state.isOpen) return "no";
      core.closeWrite(it.state);
      return "ok";
    case "reset":
      if (it) core.reset(it.state);
      return "ok";
    case "ping":
      core.startProbe();
      return "ok";
    case "take":
      return `ok ${Buffer.concat(core.nextBatch(id) ?? []).toString("hex")}`;
    case "give":
      core.receive(new Uint8Array(Buffer.from(first ?? "", "hex")));
      return "ok";
    case "state":
      return core.ended ? "ended" : `ok ${core.activeStreams} ${core.unreadBytes}`;
    default:
      throw new Error(`no request: ${verb}`);
  }
}

/** What became known, as lines. */
function* news() {
  for (const state of core.opened.splice(0)) {
    add(state);
    yield `opened ${state.id}`;
  }
  core.touched.clear();
  for (const [id, it] of streams) {
    if (it.waiting !== undefined && it.state.phase !== "failed") {
      const bytes = take(it.state, it.waiting);
      if (bytes !== undefined) {
        it.waiting = undefined;
        yield `done ${id} ${bytes?.length ?? 0} ${digestOf(bytes ?? [])}`;
      }
    }
    if (it.state.isOpen) continue;
    streams.delete(id);
    yield `${it.state.phase} ${id}`;
  }
  if (core.probeAnswered) {
    core.probeAnswered = false;
    yield "pong";
  }
  if (core.ended && !hasEnded) {
    hasEnded = true;
    yield "ended";
  }
}

process.stdout.on("error", () => process.exit(0)); // whoever asked is gone
for await (const line of createInterface({ input: process.stdin })) {
  const answer = answerTo(...line.split(" "));
  process.stdout.write([...Array.from(news(), (each) => `event ${each}`), answer].map((each) => `${each}\n`).join(""));
}
