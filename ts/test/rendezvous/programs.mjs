// A registry and a tunnel as processes, on ports of this machine's choice; and messengers of C++.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, listenTo } from "../browser/demo.mjs";
import { ownLoopback } from "../own_loopback.mjs";

export const program = (name) => join(build, "bin", name);
export const isBuilt = (...names) => names.every((name) => existsSync(program(name)));

/** A folder with the issuer's keys. */
export function keyFolder() {
  const folder = mkdtempSync(join(tmpdir(), "rendezvous-"));
  const { status, stderr } = spawnSync(program("flowersec-issuer-keygen"), ["--out-dir", folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A program that says one JSON line when it is ready. */
export async function start(name, args, folder) {
  const child = spawn(program(name), args, { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL"); // also when the test fails to stop it
  process.on("exit", kill);
  const said = listenTo(child.stdout);
  const { lines: log } = listenTo(child.stderr);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  void ended.then(() => process.off("exit", kill));
  const line = await Promise.race([said.next(/^\{/, 1), ended.then((code) => Promise.reject(new Error(`${name} ended with ${code}\n${log.join("\n")}`)))]);
  return {
    ready: JSON.parse(line), log, ended, child, said,
    write: (value) => child.stdin.write(`${JSON.stringify(value)}\n`),
    /** The first line that matches, said already or to come. */
    async event(matches) {
      for (let n = 1; ; n++) {
        const parsed = JSON.parse(await Promise.race([said.next(/^\{/, n).then(() => said.lines[n - 1]), ended.then((code) => Promise.reject(new Error(`${name} ended with ${code}\n${log.join("\n")}`)))]));
        if (matches(parsed)) return parsed;
      }
    },
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}

export const startTunnel = (folder, port = 0) =>
  start("flowersec-tunnel", ["--listen", `${ownLoopback}:${port}`, "--issuer-keys-file", "issuer_keys.json", "--aud", "rv", "--iss", "registry", "--allow-no-origin", "--allow-origin", "http://127.0.0.1:*", "--allow-origin", `http://${ownLoopback}:*`, "--allow-origin", "https://app.example"], folder);

export const startRegistry = (folder, tunnelUrl, { port = 0, flags = [] } = {}) =>
  start("flowersec-registry", [
    "--listen", `${ownLoopback}:${port}`, "--issuer-keys", "issuer_key.json", "--tunnel-url", tunnelUrl, "--aud", "rv", "--iss", "registry", "--allow-no-origin", "--allow-origin", "https://app.example",
    "--registrations-per-second", "100", ...flags,
  ], folder);
