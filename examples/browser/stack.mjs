// The programs of the demo: a control plane, a tunnel that reads its public keys, a C++ server that registers at the control
// plane, and a C++ server that is reached directly. Each prints one line of JSON when it is ready; what they say on stderr is
// passed on. A program that ends by itself is started again where it was, as a service manager would do.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const readyTimeoutMs = 20_000;
const stopTimeoutMs = 3_000;
/** A program that is started again this often in this time is not started once more. */
const mostRestarts = 5;
const restartWindowMs = 10_000;
const audience = "flowersec-tunnel:dev";
const issuer = "issuer-demo";
const endpointId = "server-1";
/** How long direct clients may begin: as long as somebody may look at the page. */
const directInitSeconds = 24 * 3600;

/** Why the demo cannot run, in words for whoever started it. */
export class StackError extends Error {}

/** The first settled of several promises, and which one it is. */
function firstOf(promises) {
  return Promise.race(Object.entries(promises).map(([name, promise]) => promise.then((value) => ({ [name]: value }))));
}

export class Stack {
  #running = new Map();
  /** When each program was started again, by name. */
  #restarts = new Map();
  #isStopping = false;
  /** Ready line of each program, by name, and its process id. */
  ready = {};
  /** Settles with the name of the first program that cannot be kept running. */
  failed;
  #tellFailed;

  /** `programs` is the folder with flowersec-tunnel, `demoServer` the program, `folder` one for state, keys and credentials. */
  constructor({ programs, demoServer, folder }) {
    Object.assign(this, { programs, demoServer, folder });
    this.failed = new Promise((resolve) => (this.#tellFailed = resolve));
    this.files = Object.fromEntries(Object.entries({
      state: "plane.db", wal: "plane.db-wal", shm: "plane.db-shm", publicKeys: "issuer_keys.json", journal: "used_tokens", journalLock: "used_tokens.lock", bearerKey: "bearer.key", credential: `${endpointId}.json`,
    }).map(([name, file]) => [name, join(folder, file)]));
  }

  /**
   * Starts a program, waits until it is ready, and from then on starts it again whenever it ends by itself. `argsOf` gets the
   * ready line of the first start, to be found at the same address again.
   */
  async #keep(name, command, argsOf, earlier) {
    if (this.#isStopping) throw new StackError("stopping");
    // In a group of its own: Ctrl-C reaches this program, which then ends the others in order.
    const child = spawn(command, argsOf(earlier), { stdio: ["ignore", "pipe", "pipe"], detached: true });
    this.#running.set(name, child);
    createInterface({ input: child.stderr }).on("line", (line) => console.error(`${name}: ${line}`));
    const ended = new Promise((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("exit", (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
    });
    const line = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, readyTimeoutMs, `not ready after ${readyTimeoutMs / 1000} s`)));
    const { text, why } = await firstOf({ text: line, why: Promise.race([ended, late]) });
    clearTimeout(timer);
    if (why !== undefined) throw new StackError(`${name} did not start: ${why}`);
    const ready = { ...JSON.parse(text), pid: child.pid };
    this.ready[name] = ready;
    ended.then((how) => this.#again(name, how, () => this.#keep(name, command, argsOf, earlier ?? ready)));
    return ready;
  }

  async #again(name, how, start) {
    this.#running.delete(name);
    if (this.#isStopping) return;
    const now = performance.now();
    const recent = (this.#restarts.get(name) ?? []).filter((at) => at > now - restartWindowMs);
    if (recent.length === mostRestarts) return this.#tellFailed(`${name} ${how}, for the ${mostRestarts + 1}th time in ${restartWindowMs / 1000} s`);
    this.#restarts.set(name, [...recent, now]);
    try {
      await start();
      console.error(`${name}: ${how}, and was started again`);
    } catch (error) {
      this.#tellFailed(error.message);
    }
  }

  #program(name) {
    const path = join(this.programs, name);
    if (!existsSync(path)) throw new StackError(`no ${name} in ${this.programs}: build it first (make demo-web does)`);
    return path;
  }

  /** Runs a program to its end. */
  async #run(command, args) {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
    const code = await new Promise((resolve) => child.on("exit", resolve).on("error", resolve));
    if (code !== 0) throw new StackError(`${command} failed (${code})`);
  }

  /** The key that callers of the control plane show. */
  get bearerKey() {
    return readFileSync(this.files.bearerKey, "utf8").trim();
  }

  /** State, keys and tunnel, the control plane, and the server that registers there. */
  async startTunnel({ origin, tunnelUrl, controlplaneListen, controlListen }) {
    const { state, publicKeys, journal, bearerKey, credential } = this.files;
    const plane = this.#program("flowersec-controlplane");
    this.#takeFolder();
    this.removeFiles();
    writeFileSync(bearerKey, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
    await this.#run(plane, ["init", "--state", state, "--issuer-keys-file", publicKeys]);

    const asked = new URL(tunnelUrl);
    const tunnel = await this.#keep("tunnel", this.#program("flowersec-tunnel"), (earlier) => [
      "--listen", earlier?.listen ?? `${asked.hostname}:${asked.port || 80}`, "--ws-path", asked.pathname, "--issuer-keys-file", publicKeys,
      "--replay-journal", journal, "--aud", audience, "--iss", issuer, "--allow-origin", origin,
    ]);
    const { control_url: controlUrl } = await this.#keep("controlplane", plane, (earlier) => [
      "serve", "--state", state, "--issuer-keys-file", publicKeys, "--bearer-key-file", bearerKey, "--tunnel-url", tunnel.ws_url, "--aud", audience, "--iss", issuer,
      "--listen", earlier?.listen ?? controlplaneListen, "--control-listen", earlier === undefined ? controlListen : new URL(earlier.control_url).host,
    ]);
    await this.#run(plane, ["add-endpoint", "--state", state, "--endpoint-id", endpointId, "--control-url", controlUrl, "--out", credential]);
    await this.#keep("server", this.demoServer, () => ["tunnel", "--origin", origin, "--endpoint-id", endpointId, "--control", credential]);
  }

  async startDirect({ origin }) {
    await this.#keep("direct", this.demoServer, () => ["direct", "--allow-origin", origin, "--init-exp-seconds", String(directInitSeconds)]);
  }

  /** Makes the folder, or finds it as ours alone: there will be secrets in it. */
  #takeFolder() {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(this.folder);
    if (!found.isDirectory() || found.uid !== process.getuid() || (found.mode & 0o022) !== 0) {
      throw new StackError(`--folder ${this.folder}: others can write in it`);
    }
  }

  /** Whatever is left of this demo, or of an earlier one that was killed. */
  removeFiles() {
    for (const file of Object.values(this.files)) rmSync(file, { force: true });
  }

  /** Ends every program; those that do not end in time are killed. */
  async stop() {
    this.#isStopping = true;
    await Promise.all([...this.#running.values()].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    }));
    this.removeFiles();
  }
}
