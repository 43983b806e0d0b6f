// A machine on which somebody has followed docs/OWNWIRE.md, "In production": the files of deploy/ownwire where they are
// installed, unchanged, the program in /usr/local/bin, and a certificate. Runs in the namespaces of tools/test-ownwire-deploy
// only; what is written here is on a file system that ends with them.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { build, listenTo, root } from "../browser/demo.mjs";

export const host = "chat.example.com";
const own = process.env.FLOWERSEC_DEPLOY;
const deploy = join(root, "deploy/ownwire");
const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

if (!readFileSync("/proc/self/mountinfo", "utf8").includes(" ownwire-deploy ")) throw new Error("start this with tools/test-ownwire-deploy");

/** Puts an empty folder over `folder`, with links to what it had; so something may be put beside that. */
function lift(folder) {
  const below = join(own, "below", folder);
  mkdirSync(below, { recursive: true });
  if (lstatSync(folder).isSymbolicLink()) {
    // In a folder that was lifted before.
    const entries = readdirSync(folder);
    const there = run("realpath", folder).trim();
    rmSync(folder);
    mkdirSync(folder);
    for (const name of entries) symlinkSync(join(there, name), join(folder, name));
    return;
  }
  run("mount", "--rbind", folder, below);
  run("mount", "-t", "tmpfs", "-o", "mode=755", "lifted", folder);
  for (const name of readdirSync(below)) symlinkSync(join(below, name), join(folder, name));
}

/** A file or folder in a lifted folder, instead of what was there. */
function place(path, content) {
  rmSync(path, { force: true }); // a link, never what it leads to
  mkdirSync(dirname(path), { recursive: true });
  if (content === undefined) mkdirSync(path, { recursive: true });
  else writeFileSync(path, content);
}

/** A unit file: section → name → values. */
export function readUnit(text) {
  const unit = {};
  let section;
  for (const line of text.split("\n").filter((each) => each && !each.startsWith("#"))) {
    const [, name, value] = /^([A-Z]\w*)=(.*)$/.exec(line) ?? [];
    if (name === undefined) unit[(section = /^\[(\w+)\]$/.exec(line)[1])] = {};
    else (unit[section][name] ??= []).push(value);
  }
  return unit;
}

export const unitFile = "/etc/systemd/system/ownwire.service";
export const unit = readUnit(readFileSync(join(deploy, "ownwire.service"), "utf8"));

/** Installs everything. */
export function install() {
  for (const folder of ["/usr/local/bin", "/etc", "/var/lib"]) lift(folder);
  for (const folder of ["/etc/nginx", "/etc/haproxy", "/etc/systemd", "/etc/systemd/system"]) lift(folder);
  for (const folder of ["/run", "/var/log/nginx"]) run("mount", "-t", "tmpfs", "-o", "mode=755", "own", folder);
  place("/usr/local/bin/ownwire", "");
  copyFileSync(join(build, "bin/ownwire"), "/usr/local/bin/ownwire");
  run("chmod", "755", "/usr/local/bin/ownwire");
  place("/etc/hosts", `127.0.0.1 localhost ${host}\n`);
  place(unitFile, readFileSync(join(deploy, "ownwire.service")));
  place("/etc/nginx/sites-enabled");
  symlinkSync(join(deploy, "nginx.conf"), "/etc/nginx/sites-enabled/ownwire");
  const certificate = readFileSync(join(own, "cert.pem"));
  const key = readFileSync(join(own, "key.pem"));
  const live = `/etc/letsencrypt/live/${host}`;
  place("/etc/letsencrypt");
  place(`${live}/fullchain.pem`, certificate);
  place(`${live}/privkey.pem`, key);
  place("/etc/haproxy/haproxy.cfg", readFileSync(join(deploy, "haproxy.cfg")));
  place(`/etc/haproxy/certs/${host}.pem`, Buffer.concat([certificate, key]));
  // What systemd does with StateDirectory= and LogsDirectory=.
  place("/var/lib/ownwire");
  run("chmod", unit.Service.StateDirectoryMode[0], "/var/lib/ownwire");
  run("chown", `${unit.Service.User[0]}:${unit.Service.Group[0]}`, "/var/lib/ownwire");
}

const running = [];
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts something that runs until the end of the test. `log` has the lines of stderr. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  running.push(child);
  const said = listenTo(child.stdout);
  const complained = listenTo(child.stderr);
  const ended = once(child, "exit").then(([code, signal]) => code ?? signal);
  return {
    pid: child.pid, log: complained.lines, says: (wanted) => said.next(wanted, 1), complains: (wanted) => complained.next(wanted, 1), ended,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}

/** Starts the gateway as the unit says: its command, user, group, folder, umask and environment, and nothing else. */
export async function startGateway() {
  const { ExecStart, User, Group, WorkingDirectory, Environment, UMask } = Object.fromEntries(Object.entries(unit.Service).map(([name, [value]]) => [name, value]));
  const [program, ...args] = ExecStart.split(" ");
  const [variable, value] = Environment.split("=");
  const gateway = start(
    "setpriv", [`--reuid=${User}`, `--regid=${Group}`, "--clear-groups", "--no-new-privs", "sh", "-c", `umask ${UMask}; exec "$@"`, "sh", program, ...args],
    { cwd: WorkingDirectory, env: { [variable]: value, PATH: "/usr/bin:/bin" } },
  );
  const line = await Promise.race([gateway.says(/^\{/), gateway.ended.then((code) => Promise.reject(new Error(`the gateway ended with ${code}\n${gateway.log.join("\n")}`)))]);
  return { ...gateway, ready: JSON.parse(line), keyFile: () => JSON.parse(readFileSync(join(WorkingDirectory, "ownwire_identity.json"), "utf8")) };
}

/** When something listens on the port of this machine. */
async function listening(port, proxy) {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await Promise.race([once(socket, "connect").then(() => true), once(socket, "error").then(() => false)]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    const ended = await Promise.race([proxy.ended, new Promise((resolve) => setTimeout(resolve, 20))]);
    if (ended !== undefined) throw new Error(`it ended with ${ended}: ${proxy.log.join("\n")}`);
  }
}

/** Debian's nginx with Debian's nginx.conf, in the foreground. */
export async function startNginx() {
  run("nginx", "-t", "-q");
  const proxy = start("nginx", ["-g", "daemon off;"]);
  await listening(443, proxy);
  return { ...proxy, accessLog: () => readFileSync("/var/log/nginx/access.log", "utf8"), stop: () => proxy.stop("SIGQUIT") };
}

export async function startHaproxy() {
  run("haproxy", "-c", "-q", "-f", "/etc/haproxy/haproxy.cfg");
  const proxy = start("haproxy", ["-db", "-f", "/etc/haproxy/haproxy.cfg"]);
  await listening(443, proxy);
  return proxy;
}

/** An internal client of ours that sends every text back. */
export async function startEchoBot() {
  const bot = start(process.execPath, [join(root, "examples/ownwire/internal_ws_client/echo_bot.mjs")]);
  await bot.complains(/connected to/);
  return bot;
}
