// Clients of a registry, and a registry that is hostile to them: frames on plain WebSockets. SECURE_WEBSOCKET, "Registries".
import { once } from "node:events";
import { createServer } from "node:net";
import { arrivals, Connection, within } from "./connection.mjs";
import { Talker } from "./gateways.mjs";
import { against, bringTo, clientStates, dropAll } from "./play.mjs";
import { troupeOf } from "./shims.mjs";
import { doAll } from "./steps.mjs";
import { fresh, x25519Pair } from "./wire.mjs";

const b64u = (bytes) => Buffer.from(bytes).toString("base64url");

class HostileRegistry extends Talker {
  constructor(connection, shim) {
    super(connection);
    this.names = { registry: b64u(shim.publicKey), contact: b64u(shim.contact), eph: b64u(x25519Pair().bytes), challenge: b64u(fresh(32)), stranger: b64u(x25519Pair().bytes) };
  }
  challenge({ fields = {} } = {}) {
    this.#answer({ type: "challenge", v: 1, registry_keys: ["@registry"], challenge: "@challenge", expires_in_s: 10 }, fields);
  }
  async registered({ fields = {} } = {}) {
    this.names.client = (await this.takeRegister()).public_key;
    this.#answer({ type: "registered", public_key: "@client", session: "s", keepalive_s: 25 }, fields);
  }
  async takeRegister() {
    const got = await this.takeText();
    if (got.type !== "register") throw new Error(`no register: ${JSON.stringify(got)}`);
    return got;
  }
  #answer(usual, fields) {
    const said = this.filled({ ...usual, ...fields });
    this.say(Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null)));
  }
}
const hostileStates = [
  ...clientStates.slice(0, 2), // up to the upgrade
  ["challenged", async (hostile) => hostile.challenge()],
  ["registered", async (hostile) => {
    await hostile.registered();
    const { type } = await hostile.takeText();
    if (type !== "watch") throw new Error(`it says ${type}`);
  }],
  ["called", async (hostile) => {
    const call = await hostile.takeText();
    if (call.type !== "call" || call.to !== hostile.names.contact) throw new Error(`no call: ${JSON.stringify(call)}`);
    hostile.names.rid = call.rid;
    hostile.names.caller = call.eph;
  }],
];

async function answersPing(hostile) {
  hostile.say({ type: "ping", t: 4711 });
  for (;;) {
    const got = await hostile.takeText();
    if (got.type === "pong" && got.t === 4711) return;
  }
}

/** Clients that register here, one for each case. */
export async function registryClient(language) {
  const listener = createServer({ allowHalfOpen: true });
  const come = arrivals(listener);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const troupe = troupeOf(language);
  const url = `ws://127.0.0.1:${listener.address().port}`;
  const shim = { publicKey: x25519Pair().bytes, contact: x25519Pair().bytes };
  const command = { do: "register", url, key: b64u(shim.publicKey), contact: b64u(shim.contact) };
  const start = (more) => {
    let id;
    const over = new Promise((resolve) => (id = troupe.tell({ ...command, ...more }, ({ said }) => resolve(said))));
    return { over, leave: () => troupe.tell({ do: "leave", of: id }, () => {}) };
  };
  const meet = async () => new HostileRegistry(new Connection(await within(come.connection(), "connection of the client"), false), shim);
  return Object.assign(shim, {
    meet,
    forget: come.forget,
    /** One that is to come back says at the end why it had to, each time. */
    start: ({ in: state, expect }) => start({ ...(state === "called" && { send: true }), ...(expect.back !== undefined && { spread: 86_400_000 }) }),
    /** Another one registers, and lives, and goes. Whether somebody else came meanwhile. */
    somebodyElse: async () => {
      const other = start({ url: `${url}/somebody` });
      for (let hasCome = false; ; hasCome = true) {
        const hostile = await meet();
        const asked = await hostile.connection.acceptUpgrade();
        if (asked.startsWith("GET /somebody/")) {
          hostile.challenge();
          await hostile.registered();
          await answersPing(hostile);
          hasCome ||= come.untaken() > 0;
        }
        hostile.connection.drop();
        if (!asked.startsWith("GET /somebody/")) continue;
        await within(other.over, "word of the other client");
        return hasCome;
      }
    },
    stop: async () => void listener.close(),
  });
}

/** How a client is back that registers once more, and lives. Where it is to stay away, it has as long as another one needs for that. */
async function backOf(client, shim, wanted) {
  if (wanted === "later" && !(await shim.somebodyElse())) return "later";
  const hostile = await shim.meet();
  try {
    await bringTo("registered", hostileStates, hostile, shim);
    await answersPing(hostile);
    client.leave();
    await hostile.connection.end();
    return "at once";
  } finally {
    hostile.connection.drop();
  }
}

/** It is alive when it answers a ping; then the connection ends. `again`: further rounds, each on the next connection, with a state and steps of their own. */
export async function playToRegistryClient(one, shim) {
  const client = shim.start(one);
  const rounds = [{ in: one.in, do: one.do }, ...(one.again ?? [])];
  const met = [];
  const meet = async (state) => {
    const hostile = await shim.meet();
    met.push(hostile);
    await bringTo(state, hostileStates, hostile, shim);
    return hostile;
  };
  try {
    const last = rounds.pop();
    for (const { in: state, do: steps } of rounds) {
      const hostile = await meet(state);
      await doAll(hostile, steps);
      await hostile.connection.end();
    }
    const hostile = await meet(last.in);
    const outcome = await against(hostile, { ...one, do: last.do }, async () => {
      if (one.in === "called") await within(client.over, "answer to the call"); // the registration is to outlive it
      await answersPing(hostile);
    });
    hostile.connection.drop();
    if (outcome.failed === undefined && one.expect.back !== undefined) {
      outcome.back = await backOf(client, shim, one.expect.back);
      client.leave();
    }
    outcome.says = await within(client.over, "word of the client");
    return outcome;
  } finally {
    if (one.expect.back !== undefined) client.leave();
    met.forEach(dropAll);
    shim.forget();
  }
}
