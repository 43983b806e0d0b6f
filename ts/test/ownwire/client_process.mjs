// The example clients as processes, in each language, from the archive that `make internal-client` packs.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenTo, root } from "../browser/demo.mjs";

const debianWs = "/usr/share/nodejs/ws";
const python = process.env.FLOWERSEC_PYTHON ?? "/usr/bin/python3";

/** Whether the command ends well. */
const works = (command, args, options) => spawnSync(command, args, options).status === 0;

const ruby = {
  name: "Ruby",
  isThere: () => works("bundle", ["--version"]) && works("ruby", ["-e", 'require "faye/websocket"']),
  command: (program) => ["bundle", "exec", "ruby", `${program}.rb`],
};
/** What each language needs, and how it starts a program. FLOWERSEC_CLIENT names one of them: the others are left out. */
export const languages = [
  { name: "Node", isThere: () => true, command: (program) => [process.execPath, `${program}.mjs`] },
  { name: "Python", isThere: () => works(python, ["-c", "import websockets"]), command: (program) => [python, `${program}.py`] },
  ruby,
].filter(({ name }) => name === (process.env.FLOWERSEC_CLIENT ?? name));

/** The archive, unpacked into a folder of its own, with what its README says has to be done once. */
export function unpackedClients() {
  const folder = mkdtempSync(join(tmpdir(), "ownwire-clients-"));
  const run = (command, args, cwd) => {
    const { status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: "utf8" });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`);
  };
  run("make", ["-s", "internal-client", `INTERNAL_CLIENT=${join(folder, "internal_ws_client.tar.gz")}`], root);
  run("tar", ["-xzf", "internal_ws_client.tar.gz"], folder);
  const clients = join(folder, "internal_ws_client");
  if (!existsSync(debianWs)) symlinkSync(join(root, "ts/node_modules"), join(clients, "node_modules")); // as npm install would
  if (languages.includes(ruby) && ruby.isThere()) run("bundle", ["lock", "--local"], clients);
  return {
    folder: clients,
    secretFile(name, content) {
      writeFileSync(join(clients, name), content);
      return name;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
    has: (name) => existsSync(join(clients, name)),
  };
}

const running = new Map();
process.on("exit", killAll);

/** Ends what is still running: a process that a failed test left behind would keep its pipes, and so the tests, open. Resolves when it is gone. */
export function killAll() {
  for (const child of running.keys()) child.kill("SIGKILL");
  return Promise.all(running.values());
}

/** Starts a program of the archive. */
export function startClient(clients, language, program, ...flags) {
  const [command, ...args] = language.command(program);
  const child = spawn(command, [...args, ...flags], { cwd: clients.folder, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.resume();
  const { lines, next } = listenTo(child.stderr);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal))).finally(() => running.delete(child));
  running.set(child, ended);
  return {
    log: lines,
    /** A line, of those so far or later. */
    said: (wanted) => next(wanted, 1),
    ended,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
