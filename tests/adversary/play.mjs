// Plays one case: brings a connection into its state, does its steps, and says how it ended.
import { Attacher } from "./attach.mjs";
import { Stalled, untilSaid } from "./blocked.mjs";
import { Connection, within } from "./connection.mjs";
import { left } from "./ends.mjs";
import { oracles } from "./oracle.mjs";
import { Party } from "./party.mjs";
import { doAll } from "./steps.mjs";

async function upgraded({ connection }, { url }) {
  const head = await connection.upgrade(url);
  if (!head?.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${head}`);
}
const tcp = ["tcp", async () => {}];

/** States of a connection to a server, each with what leads to it from the one before. */
export const serverStates = [
  tcp,
  ["upgraded", upgraded],
  ["init", async (party) => {
    party.init();
    await party.takeResp();
  }],
  ["session", async (party) => {
    party.ack();
    await party.takeRecord();
  }],
  ["stream", async (party) => party.open(1)],
];
/** The same in public-key mode. */
export const sealedStates = [...serverStates.slice(0, 2), ["opened", (party) => doAll(party, [{ open_message: {} }])], ...serverStates.slice(2)];
/** The same of a connection from a client. */
export const clientStates = [
  tcp,
  ["upgraded", async ({ connection }) => void (await connection.acceptUpgrade())],
  ["init", async (party) => party.takeInit()],
  ["acked", async (party) => {
    party.resp();
    await party.takeAck();
  }],
  ["session", async (party) => party.record({ flag: 1 })],
  ["waiting", async (party) => party.takeEcho()], // for the answer to its echo
];
/** The same of one that calls. */
const callerStates = [...clientStates.slice(0, -1), ["called", async (party) => party.takeCall()]];
export const tunnelStates = [
  ...serverStates.slice(0, 2),
  ["paired", async (attacher) => {
    attacher.attach();
    await attacher.pair();
  }],
];

/** Of whoever attaches to us. */
const attachingStates = [
  tcp,
  ["upgraded", async ({ connection }) => void (await connection.acceptUpgrade())],
  ["attached", async ({ connection, info }) => {
    const frame = await connection.frame();
    const said = frame?.op === 1 ? JSON.parse(frame.payload) : {};
    if (said.v !== 1 || said.channel_id !== info.channel_id) throw new Error(`no attach: opcode ${frame?.op} ${frame?.payload}`);
  }],
  ["init", async (party) => party.takeInit()],
  ["acked", async (party) => {
    party.resp();
    await party.takeAck();
  }],
];

export async function bringTo(state, states, party, shim) {
  for (const [name, step] of states) {
    await step(party, shim);
    if (name === state) return;
  }
  throw new Error(`no state ${state}`);
}

/** How it ended, in the words of the case. */
async function endOf(connection, { http }) {
  connection.socket.resume();
  if (http === undefined) return { ends: await connection.end() };
  const head = await connection.head();
  return { http: head === undefined ? "tcp" : Number(head.split(" ")[1]) };
}

/** Does the steps. What is expected of a message in which a bit was flipped is an oracle's business. */
export async function against(party, one, check) {
  try {
    await doAll(party, one.do);
    if (one.expect.oracle) one.expect = oracles[one.expect.oracle](party.spoiled, party);
    if (one.expect.gives_up) {
      await untilSaid(party.connection);
      return { gives_up: true };
    }
    if (!one.expect.alive) return await endOf(party.connection, one.expect);
    await check(party);
    return { alive: true };
  } catch (error) {
    return { failed: error.message, ...(error instanceof Stalled && { stalled: true }) };
  }
}

export function dropAll({ connection, extra }) {
  [connection, ...extra].forEach((each) => each.drop());
}

/** A case against a server that was given its connect info, or knows itself by a key. `shim.heard()` is what it says next of a client that it refused, or of a
 * session that is over: one word for each connection that was upgraded, which is waited for before the next case. */
export async function playToServer(one, shim) {
  const party = await Party.dial(shim.url, shim.info);
  Object.assign(party, { shim, extra: [], otherSessions: 0 });
  let outcome;
  try {
    await bringTo(one.in, shim.info === undefined ? sealedStates : serverStates, party, shim);
    outcome = await against(party, one, (alive) => alive.echo(9_001));
    if ((outcome.ends !== undefined || outcome.gives_up) && one.in !== "tcp") outcome.says = await within(shim.heard(), "word of the server");
  } finally {
    dropAll(party);
  }
  if (outcome.failed !== undefined) outcome.says = await within(shim.heard(), "word of the server");
  for (let sessions = party.otherSessions + (outcome.alive ? 1 : 0); sessions > 0; sessions--) await hasLeft(shim);
  return outcome;
}

/** A session that we went away from ends well. */
async function hasLeft(shim) {
  const word = await within(shim.heard(), "word of the server");
  if (word !== left) throw new Error(`a session that was alive ended with ${word}`);
}

/** A case against a tunnel. */
export async function playToTunnel(one, tunnel) {
  const attacher = await Attacher.dial(tunnel);
  attacher.extra = [];
  try {
    await bringTo(one.in, tunnelStates, attacher, tunnel);
    const outcome = await against(attacher, one, (alive) => alive.isPaired());
    if (attacher.peer !== undefined && !outcome.alive && outcome.failed === undefined) outcome.peer = await attacher.whatPeerGot();
    return outcome;
  } finally {
    dropAll(attacher);
  }
}

/** A case against whoever was started for it and attaches to us, the tunnel. */
export async function playToAttaching(one, shim) {
  const said = shim.start(one);
  const party = new Party("server", new Connection(await within(shim.connection(), "connection of the client"), false), shim.info);
  Object.assign(party, { shim, extra: [] });
  try {
    await bringTo(one.in, attachingStates, party, shim);
    const outcome = await against(party, one, () => party.connection.drop());
    outcome.says = await within(said, "word of the client");
    return outcome;
  } finally {
    dropAll(party);
  }
}

/** A case against a client, which was started for it and connects to us. */
export const playToClient = (one, shim) => playTo(one, shim, clientStates, async (party) => {
  if (party.echoId === undefined) await party.takeEcho();
  party.answerEcho();
});

/** The same against one that calls. It is alive when it answers a ping and waits for its answer still. */
export const playToCaller = (one, shim) => playTo(one, shim, callerStates, async (party) => {
  await party.ping();
  party.answerCall("still there");
});

async function playTo(one, shim, states, check) {
  const said = shim.start(one);
  const party = new Party("server", new Connection(await within(shim.connection(), "connection of the client"), false), shim.info);
  Object.assign(party, { shim, extra: [] });
  try {
    await bringTo(one.in, states, party, shim);
    const outcome = await against(party, one, check);
    outcome.says = await within(said, "word of the client");
    return outcome;
  } finally {
    dropAll(party);
  }
}
