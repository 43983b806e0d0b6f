// The conformance peers over TLS, through the tunnel and directly, with an authority of this run; and who must be refused.
// Exit 0 when everything held.
//
//   node tls.mjs --cpp <folder with the C++ programs> --ts <folder with the packed flowersec-peer> --work <folder>
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkNames, folders, judge, peers, program, run, start } from "./programs.mjs";

const audience = "interop-tls";
const origin = "https://app.example";
const mib = 1;
const file = (name) => join(folders.work, `tls-${name}`);
const openssl = (...args) => run("openssl", ...args);
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** `<name>.pem`, which may be trusted, and its key. */
async function makeAuthority(name) {
  await openssl("req", "-x509", ...newKey, "-keyout", file(`${name}.key`), "-out", file(`${name}.pem`), "-subj", `/CN=${name}`, "-days", "2");
}
/** `server.pem` and `server.key`, for one address. */
async function makeCertificate(authority, address) {
  await openssl("req", ...newKey, "-keyout", file("server.key"), "-out", file("server.csr"), "-subj", "/CN=server");
  writeFileSync(file("server.ext"), `subjectAltName=IP:${address}\nbasicConstraints=CA:FALSE\n`);
  await openssl(
    "x509", "-req", "-in", file("server.csr"), "-CA", file(`${authority}.pem`), "-CAkey", file(`${authority}.key`), "-set_serial", "1", "-days", "2",
    "-extfile", file("server.ext"), "-out", file("server.pem"),
  );
}
await Promise.all([makeAuthority("authority"), makeAuthority("stranger")]);
await makeCertificate("authority", "127.0.0.1");

const keyFolder = join(folders.work, "tls-keys");
await run(program("flowersec-issuer-keygen"), "--out-dir", keyFolder);
const tunnel = start(
  program("flowersec-tunnel"), "--issuer-keys-file", join(keyFolder, "issuer_keys.json"), "--aud", audience, "--allow-origin", origin,
  "--tls-cert-file", file("server.pem"), "--tls-key-file", file("server.key"),
);
const { listen } = await tunnel.json();

const trusting = (name) => ["--origin", origin, ...(name === undefined ? [] : ["--ca", file(`${name}.pem`)])];
let credentials = 0;

async function grants(host = "127.0.0.1") {
  const out = file(`grant-${credentials++}.json`);
  await run(
    program("flowersec-channelinit"), "--issuer-private-key-file", join(keyFolder, "issuer_key.json"), "--tunnel-url",
    `wss://${host}:${listen.split(":").at(-1)}/ws`, "--aud", audience, "--iss", "any", "--out", out,
  );
  return out;
}

async function serveDirect(peer) {
  const info = file(`info-${credentials++}.json`);
  await run(program("flowersec-directinit"), "--ws-url", "wss://127.0.0.1:1/direct", "--out", info);
  const tls = ["--cert", file("server.pem"), "--key", file("server.key"), "--allow-origin", origin];
  const server = start(peer, "serve", "--direct", "127.0.0.1:0", "--info", info, ...tls, "--once");
  const { url } = await server.json();
  if (!url.startsWith("wss://")) throw new Error(`the server listens at ${url}`);
  return { server, info, url };
}

const problems = [];
/** One thing that has to hold; `work` gives what does not. */
async function holds(name, work) {
  const failed = await work().catch((error) => [error.message]);
  console.log(`${failed.length === 0 ? "ok    " : "failed"} ${name}`);
  problems.push(...failed.map((why) => `${name}: ${why}`));
}

/** A program that must give up at the first step, whatever it says. */
async function refused(peer, role, ...args) {
  const { ended, json, child } = start(peer, role, ...args);
  const timer = setTimeout(() => child.kill("SIGKILL"), 90_000);
  const report = role === "client" ? await json() : { ok: false, checks: { connect: "" } };
  const code = await ended;
  clearTimeout(timer);
  return code === 1 && !report.ok && report.checks.connect !== "ok" ? [] : [`exit code ${code}: ${JSON.stringify(report)}`];
}

for (const server of Object.keys(peers)) {
  for (const client of Object.keys(peers)) {
    const everything = ["--mib", String(mib), "--quiet"];
    await holds(`through the tunnel: ${server} serves, ${client} tries everything`, async () => {
      const file = await grants();
      const serving = start(peers[server], "serve", "--grant", file, ...trusting("authority"));
      const { failed, held } = await judge({
        server: serving, client: start(peers[client], "client", "--grant", file, ...trusting("authority"), ...everything), path: "tunnel", mib,
      });
      return held === checkNames.length ? failed : [...failed, `${held} checks`];
    });
    await holds(`directly: ${server} serves, ${client} tries everything`, async () => {
      const { server: serving, info, url } = await serveDirect(peers[server]);
      const { failed } = await judge({
        server: serving, client: start(peers[client], "client", "--info", info, "--url", url, ...trusting("authority"), ...everything), path: "direct", mib,
      });
      return failed;
    });
  }
}
for (const [language, peer] of Object.entries(peers)) {
  for (const [who, authority, host] of [["the system's authorities", undefined], ["another authority", "stranger"], ["a name that is not the certificate's", "authority", "localhost"]]) {
    for (const role of ["client", "serve"]) {
      await holds(`${language} ${role} gives up on ${who}`, async () => refused(peer, role, "--grant", await grants(host), ...trusting(authority)));
    }
  }
  await holds(`${language} client gives up on a direct server that it does not know`, async () => {
    const { server, info, url } = await serveDirect(peers.TS);
    const failed = await refused(peer, "client", "--info", info, "--url", url, ...trusting("stranger"));
    server.child.kill("SIGTERM");
    const code = await server.ended;
    return code === 0 ? failed : [...failed, `the server ended with ${code}: ${server.err()}`];
  });
}
tunnel.child.kill("SIGTERM");
const code = await tunnel.ended;
if (code !== 0) problems.push(`the tunnel ended with ${code}: ${tunnel.err()}`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
