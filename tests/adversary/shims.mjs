// What a case is played against: programs of both languages, each with a neighbour that must not notice.
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Attacher, issuerOf } from "./attach.mjs";
import { within } from "./connection.mjs";
import { wordOf, Words, wordsOfPeer } from "./ends.mjs";
import { Party } from "./party.mjs";
import { runProgram, startProgram, startTold } from "./programs.mjs";
import { openMessage, serverKey } from "./sealed.mjs";

/** Folders of the command line: C++ programs, the packed flowersec-peer, and one for files. */
export const folders = { cpp: "", ts: "", work: "" };
const peerOf = (language) => join(language === "C++" ? folders.cpp : folders.ts, "flowersec-peer");

let credentials = 0;
/** Connect info that both sides have, in a file. */
async function credential(suite) {
  const file = join(folders.work, `${suite}-${credentials++}.json`);
  const words = ["--ws-url", "ws://127.0.0.1:1/direct", "--channel-id", "adversary", "--suite", suite, "--init-exp-seconds", "3600", "--out", file];
  await runProgram(join(folders.cpp, "flowersec-directinit"), ...words);
  return { file, info: JSON.parse(readFileSync(file, "utf8")) };
}

/** A client that stays: what is done to others must not reach it. `open`: what is said in front of INIT. */
async function witnessOf(url, info, open = () => {}) {
  const party = await Party.dial(url, info);
  await party.connection.upgrade(url);
  open(party);
  party.init();
  await party.takeResp();
  party.ack();
  await party.takeRecord();
  let stream = 1;
  return { party, echo: () => party.echo((stream += 2)) };
}

/** A server that was given its connect info. */
export async function server(language, suite) {
  const { file, info } = await credential(suite);
  const program = startProgram(peerOf(language), "serve", "--direct", "127.0.0.1:0", "--info", file);
  const { url } = await program.json();
  const words = wordsOfPeer(program);
  const witness = await witnessOf(url, info);
  return {
    url, info,
    heard: () => words.next(),
    witness: witness.echo,
    stop: async () => {
      witness.party.connection.drop();
      program.child.kill("SIGTERM");
      const code = await program.ended;
      // 1: some session did not end well, which is what we are here for.
      if (code !== 0 && code !== 1) throw new Error(`the server ended with ${code}: ${program.err()}`);
    },
  };
}

/** The programs that play many clients, one for each language, and others by name; and what they say. */
const troupes = new Map();
export function troupeOf(language, name = "") {
  const found = troupes.get(language + name);
  if (found !== undefined) return found;
  const program = language === "C++"
    ? startTold(join(folders.cpp, "flowersec-adversary-shim"))
    : startTold(process.execPath, new URL("shim.mjs", import.meta.url).pathname, folders.work);
  const asked = new Map();
  let last = 0;
  (async () => {
    for (let line = await program.outLine(); line !== undefined; line = await program.outLine()) {
      const word = JSON.parse(line);
      asked.get(word.id)?.(word);
    }
    for (const answer of asked.values()) answer({ said: `the program ended: ${program.err()}` });
  })();
  const troupe = {
    /** Tells it to do something, whose number it has then; `answered` gets what it says of that. */
    tell(command, answered) {
      asked.set(++last, answered);
      program.child.stdin.write(`${JSON.stringify({ id: last, ...command })}\n`);
      return last;
    },
    pid: program.child.pid,
    stop: async () => {
      program.child.stdin.end();
      const code = await within(program.ended, `end of the program of ${language}`);
      if (code !== 0) throw new Error(`the program of ${language} ended with ${code}: ${program.err()}`);
    },
  };
  troupes.set(language + name, troupe);
  return troupe;
}
/** Errors of those that did not end well. */
export async function stopTroupes() {
  const ends = await Promise.allSettled([...troupes.values()].map((troupe) => troupe.stop()));
  return ends.flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
}

/** A server in public-key mode. `sendMs`: that a peer may take nothing, of a server that has a program to itself, of which can be seen when it has nothing to do. */
export async function sealed(language, suite, sendMs) {
  const number = suite === "p256" ? 2 : 1;
  const { publicKey, keyFile } = serverKey();
  const words = new Words();
  const troupe = sendMs === undefined ? troupeOf(language) : troupeOf(language, `server ${sendMs}`);
  const url = await new Promise((resolve) => {
    troupe.tell({ do: "serve", keys: keyFile, ...(sendMs !== undefined && { send_ms: sendMs }) }, ({ url: bound, of }) => (bound === undefined ? words.say(wordOf(of)) : resolve(bound)));
  });
  const witness = await witnessOf(url, undefined, (party) => {
    const { payload, info } = openMessage(publicKey, number);
    party.knows(info);
    party.connection.sendWs({ op: 1, payload });
  });
  return {
    url, publicKey, suite: number,
    pid: troupe.pid,
    heard: () => words.next(),
    witness: witness.echo,
    stop: async () => witness.party.connection.drop(),
  };
}

/** Clients, one for each case, and where they connect to. `commandOf` says what one is to do at a URL. */
async function clients(troupe, commandOf, rest) {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const url = `ws://127.0.0.1:${listener.address().port}/direct`;
  return {
    ...rest,
    connection: async () => (await once(listener, "connection"))[0],
    start: (one) => new Promise((resolve) => troupe.tell(commandOf(url, one), ({ said }) => resolve(wordOf(said)))),
    stop: async () => void listener.close(),
  };
}

export async function client(language, suite) {
  const { info } = await credential(suite);
  return clients(troupeOf(language), (url) => ({ do: "direct", info, url, say: "hello there" }), { info });
}

/** Clients that call. */
export async function caller(language, suite) {
  const { info } = await credential(suite);
  return clients(troupeOf(language), (url) => ({ do: "direct", info, url, call: true }), { info });
}

/** Clients and servers that attach to a tunnel: to us. */
export async function attaching(language, suite, what) {
  const { info } = await credential(suite);
  const grant = {
    channel_id: info.channel_id, channel_init_expire_at_unix_s: info.channel_init_expire_at_unix_s, idle_timeout_seconds: 60, token: "FST2.a.b",
    role: what === "tunnel_client" ? 1 : 2, e2ee_psk_b64u: info.e2ee_psk_b64u, allowed_suites: [1], default_suite: 1,
  };
  return clients(troupeOf(language), (url) => ({ do: what, grant: { tunnel_url: url, ...grant } }), { info });
}

const audience = "adversary";

/** A tenant of a tunnel: its issuer, and its line of the tenants file. */
async function tenantOf(iss) {
  const folder = join(folders.work, `issuer-${credentials++}`);
  await runProgram(join(folders.cpp, "flowersec-issuer-keygen"), "--out-dir", folder, "--overwrite");
  const issuer = issuerOf(JSON.parse(readFileSync(join(folder, "issuer_key.json"), "utf8")));
  return { who: { issuer, audience, iss }, line: { aud: audience, iss, issuer_keys_file: join(folder, "issuer_keys.json") } };
}

/** A tunnel of two tenants, and a channel of the first on it that stays. */
export async function tunnel() {
  const [own, second] = [await tenantOf("adversary's issuer"), await tenantOf("adversary's neighbour")];
  const tenants = join(folders.work, `tenants-${credentials++}.json`);
  writeFileSync(tenants, JSON.stringify({ tenants: [own.line, second.line] }));
  const program = startProgram(
    join(folders.cpp, "flowersec-tunnel"), "--listen", "127.0.0.1:0", "--tenants-file", tenants, "--allow-origin", "http://127.0.0.1", "--log-level", "error",
  );
  const { ws_url: url } = await program.json();
  const shim = { url, ...own.who, neighbour: { url, ...second.who } };
  const ends = [];
  const first = await Attacher.dial(shim);
  for (const role of [1, 2]) {
    const end = role === 1 ? first : await Attacher.dial(shim, first.channelId);
    await end.connection.upgrade(url);
    end.role = role;
    end.attach();
    ends.push(end.connection);
  }
  return {
    ...shim,
    witness: async () => {
      ends[0].sendWs({ op: 2, payload: Buffer.from("still there") });
      const got = await ends[1].message();
      if (got.toString() !== "still there") throw new Error(`the witness got ${got}`);
    },
    stop: async () => {
      ends.forEach((end) => end.drop());
      program.child.kill("SIGTERM");
      const code = await program.ended;
      if (code !== 0) throw new Error(`the tunnel ended with ${code}: ${program.err()}`);
    },
  };
}
