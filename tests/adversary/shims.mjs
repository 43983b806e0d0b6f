// What a case is played against: programs of both languages and the tunnel, each with a neighbour that must not notice.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Attacher, issuerOf } from "./attach.mjs";
import { Party } from "./party.mjs";
import { runProgram, startProgram } from "./programs.mjs";

/** Folders of the command line: C++ programs, the packed flowersec-peer, and one for files. */
export const folders = { cpp: "", ts: "", work: "" };
const peerOf = (language) => join(language === "C++" ? folders.cpp : folders.ts, "flowersec-peer");
const plain = ["--origin", "http://127.0.0.1", "--insecure-loopback"];

/** Connect info that both sides have, in a file. */
async function credential(suite) {
  const file = join(folders.work, `${suite}-${credentials++}.json`);
  await runProgram(join(folders.cpp, "flowersec-directinit"), "--ws-url", "ws://127.0.0.1:1/direct", "--suite", suite, "--init-exp-seconds", "3600", "--out", file);
  return { file, info: JSON.parse(readFileSync(file, "utf8")) };
}
let credentials = 0;

/** A server, and a client of it that stays: what is done to others must not reach it. */
export async function server(language, suite) {
  const { file, info } = await credential(suite);
  const program = startProgram(peerOf(language), "serve", "--direct", "127.0.0.1:0", "--info", file);
  const { url } = await program.json();
  const witness = await Party.dial(url, info);
  await witness.connection.upgrade(url);
  witness.init();
  await witness.takeResp();
  witness.ack();
  await witness.takeRecord();
  let stream = 1;
  return {
    url, info,
    heard: async () => /^refused a client: ([^ ]+ [^ ]+)/.exec(await program.errLine())?.[1],
    witness: () => witness.echo((stream += 2)),
    stop: async () => {
      witness.connection.drop();
      program.child.kill("SIGTERM");
      const code = await program.ended;
      // 1: some session did not end well, which is what we are here for.
      if (code !== 0 && code !== 1) throw new Error(`the server ended with ${code}: ${program.err()}`);
    },
  };
}

/** Clients, one for each case, and where they connect to. */
export async function client(language, suite) {
  const { file, info } = await credential(suite);
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const url = `ws://127.0.0.1:${listener.address().port}/direct`;
  return {
    info,
    connection: async () => (await once(listener, "connection"))[0],
    start() {
      const program = startProgram(peerOf(language), "client", "--info", file, "--url", url, ...plain, "--say", "hello there");
      const said = async () => {
        const { ok, checks } = await program.json();
        await program.ended;
        return ok ? "ok" : (/^([^ ]+ [^ ]+)/.exec(Object.values(checks).find((each) => each !== "ok") ?? "")?.[1] ?? JSON.stringify(checks));
      };
      return { ended: said, kill: () => program.child.kill("SIGKILL") };
    },
    stop: async () => void listener.close(),
  };
}

const audience = "adversary";
const iss = "adversary's issuer";

/** A tunnel, and a channel on it that stays. */
export async function tunnel() {
  await runProgram(join(folders.cpp, "flowersec-issuer-keygen"), "--out-dir", folders.work, "--overwrite");
  const issuer = issuerOf(JSON.parse(readFileSync(join(folders.work, "issuer_key.json"), "utf8")));
  const program = startProgram(
    join(folders.cpp, "flowersec-tunnel"), "--listen", "127.0.0.1:0", "--issuer-keys-file", join(folders.work, "issuer_keys.json"), "--aud", audience, "--iss", iss,
    "--allow-origin", "http://127.0.0.1", "--log-level", "error",
  );
  const { ws_url: url } = await program.json();
  const shim = { url, issuer, audience, iss };
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
