// What a case lets the programs do, and what came of it.
import { file, folders, origin, peerOf, program } from "./servers.mjs";
import { start } from "./programs.mjs";

/** Behind a load of other work, and on a bad network. */
const patienceMs = { short: 240_000, long: 300_000 };

/** Every check of flowersec-peer: which held, and how both ended. */
async function checks(world, place, { language, mib = 1, isLong }) {
  const ms = isLong ? patienceMs.long : patienceMs.short;
  const client = start(world.client, peerOf(language), "client", ...(await place.grants()), "--origin", origin, "--ca", file("ca.pem"), "--mib", mib, "--quiet");
  const report = await client.json(ms);
  const failed = Object.entries(report.checks).filter(([, outcome]) => outcome !== "ok").map(([name, outcome]) => `${name}: ${outcome}`);
  if (report.checks.connect !== "ok") return { checks: failed[0] };
  const server = await place.servers.at(-1).json();
  return {
    checks: failed.length === 0 ? "all hold" : failed.join("; "),
    server: server.ok ? "ended well" : server.error,
    "exit code": await client.ended,
  };
}

/** The client of this lab, and what it says. */
class Staying {
  connections = 0;
  said = 0;
  heard = 0;
  lost = [];
  wrong = 0;
  waiting = new Set();

  constructor(world, place, { language, probe: [interval, timeout] = [0, 0], attempts = 20 }) {
    const words = [origin, file("ca.pem"), interval, timeout, attempts];
    this.program =
      language === "C++" ? start(world.client, program("flowersec-lab-client"), ...words) : start(world.client, process.execPath, `${folders.work}/client.mjs`, ...words);
    this.program.each((line) => {
      this.take(line, place);
      this.waiting.forEach((look) => look());
    });
  }

  take(line, place) {
    if (line.is === "wants") place.artifact().then((artifact) => this.program.tell(`artifact ${artifact}`), (error) => this.fail(error));
    else if (line.is === "connected") this.connections++;
    else if (line.is === "lost") this.lost.push(line.error);
    else if (line.is === "gave_up") this.gaveUp = line.error;
    else if (line.is === "heard") this.heard = line.number;
    else if (line.is === "wrong") this.wrong++;
    else if (line.is === "ended") this.hasEnded = true;
  }

  fail(error) {
    this.broken = error;
    this.waiting.forEach((look) => look());
  }

  /** Resolves as soon as it is so. */
  async until(what, holds, ms) {
    let timer;
    let look;
    const so = new Promise((resolve, reject) => {
      look = () => (this.broken ? reject(this.broken) : holds() && resolve());
      this.waiting.add(look);
      timer = setTimeout(() => reject(new Error(`not ${what} in ${ms} ms: ${JSON.stringify(this.outcome())} ${this.program.err()}`)), ms);
      look();
    });
    try {
      await so;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(look);
    }
  }

  outcome() {
    const { connections, said, heard, lost, gaveUp, wrong } = this;
    return {
      heard: `${heard} of ${said}`, connections,
      ...(lost.length > 0 && { lost: lost.join(", ") }), ...(gaveUp && { "gave up": gaveUp }), ...(wrong > 0 && { wrong }),
    };
  }
}

/** How the sessions of servers behind a tunnel ended, each of which has one. Those that met nobody count for nothing. */
async function endsOf(servers, ms) {
  const lines = await Promise.all(servers.map((each) => each.json(ms).catch(() => undefined)));
  return lines.filter((line) => line !== undefined).map(({ ok, error }) => (ok ? "ended well" : /^[^:]*: [^: ]*/.exec(error)[0])).join(", ");
}

/** Steps: "say N" (more lines), "heard" (all of them), "hole WHICH MS", "open" (the hole's end), "idle MS", "rebind", "lost" and "back" (once more), "given up". */
async function stay(world, place, one) {
  const it = new Staying(world, place, one);
  const ms = one.isLong ? patienceMs.long : patienceMs.short;
  let losses = 0;
  const steps = {
    say: (count) => {
      it.said += Number(count);
      it.program.tell(`say ${count}`);
    },
    heard: () => it.until("all heard", () => it.heard === it.said, ms),
    hole: (which, length) => world.hole(which, length),
    open: () => world.opened(),
    idle: (length) => new Promise((resolve) => setTimeout(resolve, Number(length))),
    rebind: () => world.rebind(),
    lost: () => it.until("lost", () => it.lost.length > losses, ms).then(() => losses++),
    back: () => it.until("back", () => it.connections > losses, ms),
    given: () => it.until("given up", () => it.gaveUp !== undefined, ms),
  };
  await it.until("connected", () => it.connections === 1, ms);
  for (const step of one.steps) {
    const [word, ...rest] = step.split(" ");
    await steps[word](...rest);
  }
  it.program.tell("end");
  await it.until("ended", () => it.hasEnded, ms);
  return { ...it.outcome(), ...(one.expect.servers && { servers: await endsOf(place.servers, ms) }) };
}

export const jobs = { checks, stay };
/** What a case carries at least, one way. */
export const payloadBytes = {
  checks: ({ mib = 1 }) => mib * 1_048_576,
  stay: ({ steps }) => steps.reduce((sum, step) => sum + (step.startsWith("say ") ? 1000 * Number(step.slice(4)) : 0), 0),
};
