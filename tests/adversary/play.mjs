// Plays one case: brings a connection into its state, does its steps, and compares how it ends.
import { Connection, within } from "./connection.mjs";
import { Attacher } from "./attach.mjs";
import { bytesOf, Party } from "./party.mjs";

/** What each step of a case does. Its name is its only key. */
const steps = {
  raw: ({ connection }, value) => connection.send(bytesOf(value)),
  ws: ({ connection }, { payload, times = 1, ...frame }) => {
    for (let i = 0; i < times; i++) connection.sendWs({ ...frame, payload: bytesOf(payload) });
  },
  finish: ({ connection }) => connection.finish(),
  /** Another key than the honest one, which both sides then speak of. */
  key: ({ own }, text) => (own.bytes = Buffer.from(text, "base64url")),
  init: (party, spec) => party.init(spec),
  resp: (party, spec) => party.resp(spec),
  ack: (party, spec) => party.ack(spec),
  record: (party, { times = 1, ...spec }) => {
    for (let i = 0; i < times; i++) party.record(spec);
  },
  rekey: (party) => party.rekey(),
  yamux: (party, { times = 1, step = 0, ...spec }) => {
    for (let i = 0; i < times; i++) party.yamux({ ...spec, id: (spec.id ?? 0) + i * step });
  },
  open: (party, { id, kind }) => party.open(id, kind),
  echo: (party, id) => party.echo(id),
  attach: (attacher, spec) => attacher.attach(spec),
  /** Another peer that attaches to our channel: in the other role or, `again`, in ours; with a token of its own or, `reuse`, with ours. */
  other: async (attacher, { again = false, reuse = false, ends, ...spec }) => {
    const other = await Attacher.dial(attacher, attacher.channelId);
    attacher.others.push(other.connection);
    await other.connection.upgrade(attacher.url);
    other.role = again ? attacher.role : 3 - attacher.role;
    if (reuse) other.lastToken = attacher.lastToken;
    other.attach(reuse ? { token: { reuse } } : spec);
    if (ends === undefined) return;
    const end = await other.connection.end();
    if (end !== ends) throw new Error(`the other one ended with ${end}`);
  },
  reflect: (party) => party.reflect(),
  resp_as_client: (party, spec) => party.say(2, { handshake_id: "x", server_eph_pub_b64u: party.own.bytes.toString("base64url"), nonce_s_b64u: party.nonce.toString("base64url"), server_features: 0 }, spec),
  takes: {
    ack: (party) => party.takeAck(),
    resp: (party) => party.takeResp(),
    finished: (party) => party.takeRecord(),
    head: ({ connection }) => connection.head(),
  },
};

const isPart = (wanted, got) => Object.entries(wanted).every(([name, value]) => (name === "body" ? bytesOf(value).equals(got.body) : got[name] === value));

async function doAll(party, list) {
  for (const step of list) {
    const [[name, value]] = Object.entries(step);
    if (name === "takes") await steps.takes[value](party);
    else if (name === "sees") await party.takeYamux((frame) => isPart(value, frame));
    else if (name === "frame") {
      let got = await party.connection.frame();
      for (; got?.op === 2; got = await party.connection.frame()) party.read(got.payload); // what it says of itself
      if (got === undefined || !isPart(value, { ...got, body: got.payload })) throw new Error(`the frame is ${got === undefined ? "none" : `${got.op} ${got.payload.toString("hex")}`}`);
    } else await steps[name](party, value);
  }
}

/** States of a connection to a server, each with what leads to it from the one before. */
const serverStates = [
  ["tcp", async () => {}],
  ["upgraded", async ({ connection }, { url }) => {
    const head = await connection.upgrade(url);
    if (!head?.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${head}`);
  }],
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
/** The same of a connection from a client. */
const clientStates = [
  ["tcp", async () => {}],
  ["upgraded", async ({ connection }) => void (await connection.acceptUpgrade())],
  ["init", async (party) => party.takeInit()],
  ["acked", async (party) => {
    party.resp();
    await party.takeAck();
  }],
  ["session", async (party) => party.record({ flag: 1 })],
];

async function bringTo(state, states, party, shim) {
  for (const [name, step] of states) {
    await step(party, shim);
    if (name === state) return;
  }
  throw new Error(`no state ${state}`);
}

/** How it ended, in the words of the case. */
async function endOf(connection, { http }) {
  if (http === undefined) return { ends: await connection.end() };
  const head = await connection.head();
  return { http: head === undefined ? "tcp" : Number(head.split(" ")[1]) };
}

async function against(party, one, check) {
  try {
    await doAll(party, one.do);
    if (one.alive) await check(party);
    return one.alive ? { alive: true } : await endOf(party.connection, one);
  } catch (error) {
    return { failed: error.message };
  }
}

/** A case against a server. `shim.heard()` is what it says of clients that it refused since it was asked last. */
export async function playToServer(one, shim) {
  const party = await Party.dial(shim.url, shim.info);
  try {
    await bringTo(one.in, serverStates, party, shim);
    const outcome = await against(party, one, (alive) => alive.echo(9_001));
    if (one.says !== undefined) outcome.says = await within(shim.heard(), "word of the server");
    return outcome;
  } finally {
    party.connection.drop();
  }
}

const tunnelStates = [
  serverStates[0],
  serverStates[1],
  ["attached", async (attacher) => {
    attacher.attach();
    await attacher.isPaired();
  }],
];

/** A case against a tunnel. */
export async function playToTunnel(one, tunnel) {
  const attacher = await Attacher.dial(tunnel);
  attacher.others = [];
  try {
    await bringTo(one.in, tunnelStates, attacher, tunnel);
    return await against(attacher, one, (alive) => alive.isPaired());
  } finally {
    [attacher.connection, ...attacher.others].forEach((connection) => connection.drop());
  }
}

/** A case against a client, which was started for it and connects to us. */
export async function playToClient(one, shim) {
  const client = shim.start();
  const socket = await within(shim.connection(), "connection of the client");
  const connection = new Connection(socket, false);
  const party = new Party("server", connection, shim.info);
  try {
    await bringTo(one.in, clientStates, party, shim);
    const outcome = await against(party, one, (alive) => answerEcho(alive));
    outcome.says = await within(client.ended(), "end of the client");
    return outcome;
  } finally {
    connection.drop();
    client.kill();
  }
}

/** The client says "hello there" on an echo stream and waits for it to come back. */
async function answerEcho(party) {
  const said = new Map();
  for (;;) {
    const { id, body } = await party.takeYamux((frame) => frame.type === 0);
    said.set(id, (said.get(id) ?? "") + body.toString("latin1"));
    if (!said.get(id).endsWith("hello there")) continue;
    party.yamux({ type: "window", flags: ["ack"], id });
    return party.yamux({ type: "data", flags: ["fin"], id, body: "hello there" });
  }
}
