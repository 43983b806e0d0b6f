// The programs around the protocol, and those who speak JSON with them: a chat gateway, its internal port, a registry.
import { createHmac, hkdfSync } from "node:crypto";
import { join } from "node:path";
import { Connection } from "./connection.mjs";
import { Party } from "./party.mjs";
import { against, bringTo, dropAll, sealedStates } from "./play.mjs";
import { runProgram, startProgram } from "./programs.mjs";
import { folders, troupeOf } from "./shims.mjs";
import { fresh, jsonFrame, x25519Pair } from "./wire.mjs";

const b64u = (bytes) => Buffer.from(bytes).toString("base64url");
let made = 0;

/** Who says JSON texts on a WebSocket. A value "@name" stands for what `names` has. */
export class Talker {
  extra = [];
  names = {};
  constructor(connection) {
    this.connection = connection;
  }
  static async dial(url, lines = {}) {
    const talker = new Talker(await Connection.dial(url));
    const head = await talker.connection.upgrade(url, { headers: lines });
    if (!head?.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${head}`);
    return talker;
  }
  filled(value) {
    if (typeof value === "string" && value.startsWith("@")) return this.names[value.slice(1)];
    if (value?.times !== undefined) return value.of.repeat(value.times);
    if (Array.isArray(value)) return value.map((each) => this.filled(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.filled(each)]).filter(([, each]) => each !== undefined));
  }
  say(value) {
    this.connection.sendWs({ op: 1, payload: Buffer.from(JSON.stringify(value)) });
  }
  /** The next text, as a value. Throws when the connection ended instead. */
  async takeText() {
    let frame = await this.connection.frame();
    while (frame?.op === 10) frame = await this.connection.frame();
    if (frame?.op === 1) return JSON.parse(frame.payload);
    if (frame?.op === 8) this.connection.closedWith = frame.payload;
    throw new Error(frame === undefined ? "the connection ended" : `frame with opcode ${frame.op} ${frame.payload.toString("hex")}`);
  }
}

// ---- The chat gateway

/** A visitor who is through the handshake and has said hello, or will. */
async function visitor(shim) {
  const party = await Party.dial(shim.url);
  Object.assign(party, { shim, extra: [], names: {}, filled: Talker.prototype.filled });
  return party;
}
const chatStates = [
  ...sealedStates.slice(0, -1), // up to the session
  ["chat", async (party) => {
    party.open(1, "ownwire/chat");
  }],
  ["welcomed", async (party) => {
    party.yamux({ id: 1, body: jsonFrame({ type: "hello", v: 1 }) });
    const welcome = await party.takeJson(1);
    if (welcome.type !== "welcome" || welcome.resumed || welcome.last_id !== 0) throw new Error(`no welcome: ${JSON.stringify(welcome)}`);
    party.names = { session: welcome.session_id, token: welcome.resume_token };
  }],
];

/** A gateway, a visitor and a program behind it that stay. The program answers every text with itself. */
export async function gateway() {
  const folder = join(folders.work, `gateway-${made++}`);
  const program = startProgram(
    join(folders.cpp, "ownwire"), "--port", "0", "--internal-addr", "127.0.0.1:0", "--identity-key", folder, "--log-level", "error", "--allow-no-origin",
    "--allow-origin", "http://127.0.0.1", "--max-sessions-per-address", "10000",
  );
  const { ws_url: url, internal_ws_url: internalUrl, server_key: key } = await program.json();
  const shim = { url, internalUrl, publicKey: Buffer.from(key, "base64url"), suite: 1 };
  const backend = await Talker.dial(internalUrl, { Origin: "" });
  backend.connection.isPatient = true;
  const answering = (async () => {
    for (;;) {
      const { session_id, content } = await backend.takeText();
      backend.say({ session_id, content });
    }
  })().catch((error) => error);
  const witness = await visitor(shim);
  await bringTo("welcomed", chatStates, witness, shim);
  let id = 0;
  let asked = 0;
  return Object.assign(shim, {
    witness: async () => {
      // A visitor may say 20 texts at once, and 2 a second.
      if (asked++ % 8 !== 0 || id === 20) return witness.ping();
      witness.yamux({ id: 1, body: jsonFrame({ type: "message", id: ++id, content: `text ${id}` }) });
      for (const type of ["ack", "message"]) {
        const got = await witness.takeJson(1);
        if (got.type !== type || (type === "message" && got.content !== `text ${id}`)) throw new Error(`the witness got ${JSON.stringify(got)}`);
      }
    },
    stop: async () => {
      witness.connection.drop();
      backend.connection.drop();
      await answering;
      program.child.kill("SIGTERM");
      const code = await program.ended;
      if (code !== 0) throw new Error(`the gateway ended with ${code}: ${program.err()}`);
    },
  });
}

/** A visitor's case. It is alive when a text is acknowledged and comes back. */
export async function playToGateway(one, shim) {
  const party = await visitor(shim);
  try {
    await bringTo(one.in, chatStates, party, shim);
    return await against(party, one, async () => {
      const content = "still there";
      party.yamux({ id: 1, body: jsonFrame({ type: "message", id: 1_000_000, content }) });
      for (;;) {
        const got = await party.takeJson(1);
        if (got.type === "message" && got.content === content) return;
        if (got.type === "error") throw new Error(`the gateway says ${JSON.stringify(got)}`);
      }
    });
  } finally {
    dropAll(party);
  }
}

/** A case of the site's program. It is alive when a visitor gets what it says. */
export async function playToInternal(one, shim) {
  const { subprotocol } = one;
  const talker = await Talker.dial(shim.internalUrl, { Origin: "", ...(subprotocol && { "Sec-WebSocket-Protocol": subprotocol }) });
  const listener = await visitor(shim);
  talker.extra.push(listener.connection);
  try {
    await bringTo("welcomed", chatStates, listener, shim);
    talker.names = listener.names;
    return await against(talker, one, async () => {
      talker.say({ session_id: listener.names.session, content: "are you there" });
      for (;;) {
        const got = await listener.takeJson(1);
        if (got.type === "message" && got.content === "are you there") return;
      }
    });
  } finally {
    dropAll(talker);
  }
}

// ---- A registry

class Registrant extends Talker {
  constructor(connection, shim) {
    super(connection);
    this.shim = shim;
    this.secret = fresh(32);
    const pair = (this.pair = x25519Pair(this.secret));
    this.names = { key: b64u(pair.bytes), registry: b64u(shim.publicKey), eph: b64u(x25519Pair().bytes), other: b64u(x25519Pair().bytes), instance: b64u(fresh(16)) };
  }
  async takeChallenge() {
    const { type, challenge, registry_keys } = await this.takeText();
    if (type !== "challenge" || registry_keys[0] !== this.names.registry) throw new Error(`no challenge: ${type}`);
    this.asked = Buffer.from(challenge, "base64url");
  }
  proof({ replace = false, challenge = this.asked, registry = this.shim.publicKey, key = this.pair.bytes } = {}) {
    const popkey = Buffer.from(hkdfSync("sha256", this.pair.agree(this.shim.publicKey), "flowersec-rv-pop-v1:salt", Buffer.concat([Buffer.from("flowersec-rv-pop-v1"), key, registry]), 32));
    return createHmac("sha256", popkey).update(Buffer.concat([Buffer.from("flowersec-rv-pop-v1:proof"), challenge, key, registry, Buffer.from([replace ? 1 : 0])])).digest();
  }
  /** `fields`: others in place of the right ones, null leaves one out; `proof`: what it is made of instead; `text` instead of all. */
  register({ fields = {}, proof = {}, text } = {}) {
    const made = { ...proof, ...(proof.challenge !== undefined && { challenge: Buffer.alloc(32) }), ...(proof.registry !== undefined && { registry: Buffer.alloc(32) }), ...(proof.key !== undefined && { key: Buffer.alloc(32) }) };
    const said = { type: "register", v: 1, public_key: this.names.key, registry_key: this.names.registry, proof: b64u(this.proof(made)), instance: this.names.instance, ...this.filled(fields) };
    if (text !== undefined) return this.connection.sendWs({ op: 1, payload: Buffer.from(text) });
    this.say(Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null)));
  }
}

const registryStates = [
  ["challenged", (registrant) => registrant.takeChallenge()],
  ["registered", async (registrant) => {
    registrant.register();
    const got = await registrant.takeText();
    if (got.type !== "registered") throw new Error(`not registered: ${JSON.stringify(got)}`);
  }],
];

async function isRegistered(registrant) {
  registrant.say({ type: "ping", t: 4711 });
  for (;;) {
    const got = await registrant.takeText();
    if (got.type === "pong" && got.t === 4711) return;
    if (got.type === "error") throw new Error(`the registry says ${JSON.stringify(got)}`);
  }
}

async function dialRegistry(shim) {
  const registrant = new Registrant(await Connection.dial(shim.url), shim);
  const head = await registrant.connection.upgrade(shim.url);
  if (!head?.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${head}`);
  return registrant;
}

/** What a registry is reached by and known by, and how it is stopped. */
async function startRegistry(language) {
  if (language === "TS") {
    const { url, key } = await new Promise((resolve) => troupeOf(language).tell({ do: "registry" }, resolve));
    return { url, key, stop: async () => {} };
  }
  const folder = join(folders.work, `registry-${made++}`);
  await runProgram(join(folders.cpp, "flowersec-issuer-keygen"), "--out-dir", folder, "--overwrite");
  const program = startProgram(
    join(folders.cpp, "flowersec-registry"), "--issuer-keys", join(folder, "issuer_key.json"), "--tunnel-url", "ws://127.0.0.1:1/ws", "--aud", "a", "--iss", "i",
    "--listen", "127.0.0.1:0", "--key-file", join(folder, "registry_key.json"), "--allow-origin", "http://127.0.0.1", "--log-level", "error", "--registrations-per-second", "100000",
  );
  const { ws_url: url, registry_key: key } = await program.json();
  const stop = async () => {
    program.child.kill("SIGTERM");
    const code = await program.ended;
    if (code !== 0) throw new Error(`the registry ended with ${code}: ${program.err()}`);
  };
  return { url, key, stop };
}

/** A registry, and a client of it that stays. */
export async function registry(language) {
  const { url, key, stop } = await startRegistry(language);
  const shim = { url, publicKey: Buffer.from(key, "base64url") };
  const witness = await dialRegistry(shim);
  for (const [, step] of registryStates) await step(witness);
  return {
    ...shim,
    witness: () => isRegistered(witness),
    stop: async () => {
      witness.connection.drop();
      await stop();
    },
  };
}

export async function playToRegistry(one, shim) {
  const registrant = await dialRegistry(shim);
  try {
    await bringTo(one.in, registryStates, registrant, shim);
    return await against(registrant, one, isRegistered);
  } finally {
    dropAll(registrant);
  }
}
