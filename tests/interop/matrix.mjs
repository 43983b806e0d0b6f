// Every pairing of the conformance peers, as a table. Exit 0 when every check of every pairing held.
//
//   node matrix.mjs --cpp <folder with the C++ programs> --ts <folder with the packed flowersec-peer> --work <folder>
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkNames, folders, judge, peers, program, run, start } from "./programs.mjs";

const suites = { X25519: { word: "x25519", number: 1 }, "P-256": { word: "p256", number: 2 } };
const audience = "interop";
const mib = 4;

async function startTunnel() {
  await run(program("flowersec-issuer-keygen"), "--out-dir", folders.work);
  const tunnel = start(program("flowersec-tunnel"), "--issuer-keys-file", join(folders.work, "issuer_keys.json"), "--aud", audience);
  const { listen } = await tunnel.json();
  return { tunnel, url: `ws://${listen}/ws` };
}

const dial = ["--origin", "http://127.0.0.1", "--insecure-loopback"];
let files = 0;

/** A control plane, whose keys a tunnel of its own trusts. */
async function startControlplane() {
  const state = join(folders.work, "plane.db");
  const bearerFile = join(folders.work, "bearer.key");
  const publicKeys = join(folders.work, "plane_keys.json");
  writeFileSync(bearerFile, "a-bearer-key-of-the-interop\n", { mode: 0o600 });
  await run(program("flowersec-controlplane"), "init", "--state", state, "--issuer-keys-file", publicKeys);
  const tunnel = start(program("flowersec-tunnel"), "--issuer-keys-file", publicKeys, "--aud", audience);
  const { ws_url: tunnelUrl } = await tunnel.json();
  const plane = start(
    program("flowersec-controlplane"), "serve", "--state", state, "--issuer-keys-file", publicKeys, "--bearer-key-file", bearerFile,
    "--tunnel-url", tunnelUrl, "--aud", audience, "--iss", "any",
  );
  const { http_url: url, control_url: controlUrl } = await plane.json();
  const headers = { authorization: "Bearer a-bearer-key-of-the-interop", "content-type": "application/json" };
  return {
    revokeEndpoint: (id) => run(program("flowersec-controlplane"), "revoke-endpoint", "--state", state, "--endpoint-id", id),
    addEndpoint: (id, file) => run(program("flowersec-controlplane"), "add-endpoint", "--state", state, "--endpoint-id", id, "--control-url", controlUrl, "--out", file),
    ask: async (id) => (await fetch(`${url}/v1/connect/artifact`, { method: "POST", headers, body: JSON.stringify({ endpoint_id: id }) })).text(),
    stop: () => [plane, tunnel].map(({ child }) => child.kill("SIGTERM")),
    ended: Promise.all([plane.ended, tunnel.ended]),
  };
}

/** Starts the server of a row; returns it and what its client is given. */
async function serve(peer, path, suite, tunnelUrl, flags = []) {
  const file = join(folders.work, `credential-${files++}.json`);
  if (path === "plane") {
    const id = `endpoint-${files++}`;
    await controlplane.addEndpoint(id, file);
    const server = start(peer, "serve", "--control", file, "--endpoint-id", id, ...dial, "--once");
    const { status, endpoint_id: registered } = await server.json();
    if (status !== "registered" || registered !== id) throw new Error(`the server is ${status} as ${registered}`);
    const answer = join(folders.work, `answer-${files}.json`);
    writeFileSync(answer, await controlplane.ask(id));
    return { server, client: ["--grant", answer] };
  }
  if (path === "tunnel") {
    await run(
      program("flowersec-channelinit"), "--issuer-private-key-file", join(folders.work, "issuer_key.json"), "--tunnel-url", tunnelUrl,
      "--aud", audience, "--iss", "any", "--out", file,
    );
    // The tool makes grants of one suite; it is the endpoints' business, and no token names it.
    const grants = JSON.parse(readFileSync(file, "utf8"));
    for (const grant of [grants.grant_client, grants.grant_server]) Object.assign(grant, { allowed_suites: [suite.number], default_suite: suite.number });
    writeFileSync(file, JSON.stringify(grants));
    return { server: start(peer, "serve", "--grant", file, ...dial), client: ["--grant", file] };
  }
  await run(program("flowersec-directinit"), "--ws-url", "ws://127.0.0.1:1/direct", "--suite", suite.word, "--out", file);
  const server = start(peer, "serve", "--direct", "127.0.0.1:0", "--info", file, "--once", ...flags);
  const { url } = await server.json();
  return { server, client: ["--info", file, "--url", url] };
}

/** One pairing: what failed, and the figures. */
async function pair({ server: serverPeer, client: clientPeer, path, suite, narrow }, tunnelUrl) {
  const flags = (side) => (narrow === side ? ["--wide-window-session-bytes", "0"] : []);
  const { server, client: credential } = await serve(peers[serverPeer], path, suites[suite], tunnelUrl, flags("server"));
  const client = start(peers[clientPeer], "client", ...credential, ...dial, "--mib", String(mib), "--streams", "3", "--quiet", ...flags("client"));
  return judge({ server, client, path: path === "direct" ? "direct" : "tunnel", mib });
}

/** What a program says of itself, or of a mistake, and its exit code: the same in both languages. */
async function says(file, ...args) {
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (more) => (text += more));
  const [code] = await once(child, "close");
  return `exit code ${code}\n${text}`;
}

const commandLines = [
  ["--help"], ["serve", "--help"], ["client", "-h"], [], ["dance"], ["client"], ["client", "--nope"], ["client", "--mib=x"], ["client", "--mib"],
  ["client", "--grant=a"], ["client", "--grant=a", "--origin=o", "--streams=32"], ["client", "--grant=a", "--origin=o", "--mib=-1"], ["serve"],
  ["client", "--grant=a", "--origin=o", "--wide-window-session-bytes=1073741825"], ["serve", "--grant=g", "--wide-window-session-bytes=-1"],
  ["serve", "--wait", "5x"], ["serve", "--direct", "127.0.0.1:0"], ["serve", "--direct", "127.0.0.1:0", "--info=i", "--cert=c"],
  ["serve", "--grant=g", "--origin=o", "--wait=0s"], ["client", "---x"], ["serve", "--control=c"], ["serve", "--control=c", "--grant=g"],
  ["serve", "--control=c", "--info=i"], ["serve", "--grant=g", "--endpoint-id=e"], ["serve", "--control=c", "--endpoint-id=e"],
  ["serve", "--control=c", "--endpoint-id=e", "--origin=o", "--wait=0s"],
];
const { tunnel, url: tunnelUrl } = await startTunnel();
const columns = ["server", "client", "path", "suite", "checks", "connect ms", "call us", "up MiB/s", "down MiB/s"];
const row = (cells) => `| ${cells.map((cell, i) => String(cell).padEnd(Math.max(6, columns[i].length))).join(" | ")} |`;
console.log(row(columns));
console.log(row(columns.map((name) => "-".repeat(Math.max(6, name.length)))));
const problems = [];
const controlplane = await startControlplane();
// plane: through the tunnel, with a server that waits at a control plane. That has no say in the suite: its grants allow both,
// and X25519 comes first. The last two: one side without wide windows.
const paths = [
  ["tunnel", Object.keys(suites)], ["direct", Object.keys(suites)], ["plane", ["X25519"]], ["direct", ["X25519"], "server"], ["direct", ["X25519"], "client"],
];
for (const [path, suitesOfPath, narrow] of paths) {
  for (const suite of suitesOfPath) {
    for (const server of Object.keys(peers)) {
      for (const client of Object.keys(peers)) {
        const name = [server, client, narrow ? `${path}, ${narrow} narrow` : path, suite];
        try {
          const { failed, figures, held } = await pair({ server, client, path, suite, narrow }, tunnelUrl);
          const number = (key, digits = 0) => (figures[key] ?? NaN).toFixed(digits);
          console.log(row([...name, `${held}/${checkNames.length}`, number("connect_ms"), number("call_us"), number("upload_mib_per_s"), number("download_mib_per_s")]));
          problems.push(...failed.map((why) => `${name.join(" ")}: ${why}`));
        } catch (error) {
          console.log(row([...name, "failed", "", "", "", ""]));
          problems.push(`${name.join(" ")}: ${error.message}`);
        }
      }
    }
  }
}
for (const args of commandLines) {
  const [cpp, ts] = await Promise.all([says(peers["C++"], ...args), says(peers.TS, ...args)]);
  if (cpp !== ts) problems.push(`flowersec-peer ${args.join(" ")} differs:\n--- C++: ${cpp.slice(0, 300)}\n--- TS: ${ts.slice(0, 300)}`);
}
console.log(`${commandLines.length} command lines compared`);
/** A server that is turned away for good, in words, with 1, and the same in both languages. */
async function turnedAway(what, id, words) {
  const credential = join(folders.work, "laptop.json");
  for (const said of await Promise.all(Object.values(peers).map((peer) => says(peer, "serve", "--control", credential, "--endpoint-id", id, ...dial)))) {
    if (said !== `exit code 1\n${words}\n`) problems.push(`a server ${what}: ${said}`);
  }
}
/** A server that is refused and goes on trying, for that may be a mistake of the moment; told to stop, it ends with 0. */
async function goesOnTrying(what, id) {
  const credential = join(folders.work, "laptop.json");
  const said = await Promise.all(Object.values(peers).map(async (peer) => {
    const server = start(peer, "serve", "--control", credential, "--endpoint-id", id, ...dial);
    const tooLong = setTimeout(() => server.child.kill("SIGKILL"), 60_000);
    const early = server.ended.then(() => "ended");
    // Without what stands in brackets: how the socket's end reads differs between platforms.
    const complaints = () => server.err().split("\n").filter((line) => line.startsWith("not registered: ")).map((line) => line.split(" (")[0]);
    while (complaints().length < 2) {
      if ((await Promise.race([once(server.child.stderr, "data"), early])) === "ended") break;
    }
    server.child.kill("SIGTERM");
    const code = await server.ended;
    clearTimeout(tooLong);
    const [first, second] = complaints();
    return `${first ?? server.err()}\n${second === first ? "and again" : second}\nexit code ${code}`;
  }));
  const expected = "not registered: direct: handshake/handshake_failed\nand again\nexit code 0";
  if (said.some((each) => each !== expected)) problems.push(`a server ${what}: ${said.join("\n---\n")}`);
}
await controlplane.addEndpoint("laptop", join(folders.work, "laptop.json"));
await turnedAway("under another id", "phone", "the credential is not for this endpoint id, or was revoked");
await controlplane.revokeEndpoint("laptop");
await goesOnTrying("that is revoked", "laptop");
controlplane.stop();
const codes = await controlplane.ended;
if (codes.some((code) => code !== 0)) problems.push(`the control plane and its tunnel ended with ${codes.join(" and ")}`);
tunnel.child.kill("SIGTERM");
const code = await tunnel.ended;
if (code !== 0) problems.push(`the tunnel ended with ${code}: ${tunnel.err()}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
