// The program ownwire as a process, on ports of this machine's choice.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, listenTo } from "../browser/demo.mjs";
import { ownLoopback } from "../own_loopback.mjs";

const program = join(build, "bin/ownwire");
export const isBuilt = existsSync(program);

/** A folder for key files. */
export function keyFolder() {
  const folder = mkdtempSync(join(tmpdir(), "ownwire-keys-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Starts it in a folder where its key file is. `ready` is what it says once it listens. */
export async function startGateway(folder, { port = 0, internalPort = 0, flags = [] } = {}) {
  const child = spawn(program, ["--bind", ownLoopback, "--port", String(port), "--internal-addr", `${ownLoopback}:${internalPort}`, ...flags], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL"); // also when the test fails to stop it
  process.on("exit", kill);
  const said = listenTo(child.stdout);
  const { lines: log } = listenTo(child.stderr);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  void ended.then(() => process.off("exit", kill));
  const line = await Promise.race([said.next(/^\{/, 1), ended.then((code) => Promise.reject(new Error(`ownwire ended with ${code}\n${log.join("\n")}`)))]);
  return {
    ready: JSON.parse(line), log, ended,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
