// The programs of the demo: a tunnel and its issuer's key, a control plane, a C++ server behind the tunnel, and a C++ server
// that is reached directly. Each prints one line of JSON when it is ready; what they say on stderr is passed on.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const readyTimeoutMs = 20_000;
const stopTimeoutMs = 3_000;
const audience = "flowersec-tunnel:dev";
const issuer = "issuer-demo";
/** How long direct clients may begin: as long as somebody may look at the page. */
const directInitSeconds = 24 * 3600;

/** Why the demo cannot run, in words for whoever started it. */
export class StackError extends Error {}

export class Stack {
  #running = new Map();
  #isStopping = false;
  /** Ready line of each program, by name. */
  ready = {};
  /** Settles with the name of the first program that ends by itself. */
  failed;
  #tellFailed;

  /** `programs` is the folder with flowersec-tunnel, `demoServer` the program, `folder` one for the keys. */
  constructor({ programs, demoServer, folder }) {
    Object.assign(this, { programs, demoServer, folder });
    this.failed = new Promise((resolve) => (this.#tellFailed = resolve));
  }

  /** Starts a program and waits until it is ready. */
  async start(name, command, args, input = "") {
    if (this.#isStopping) throw new StackError("stopping");
    // In a group of its own: Ctrl-C reaches this program, which then ends the others in order.
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#running.set(name, child);
    child.stdin.on("error", () => {}); // it may not read what it is not interested in
    child.stdin.end(input);
    createInterface({ input: child.stderr }).on("line", (line) => console.error(`${name}: ${line}`));
    const ended = new Promise((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("exit", (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`));
    });
    const line = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, readyTimeoutMs, `not ready after ${readyTimeoutMs / 1000} s`)));
    const first = await Promise.race([line.then((text) => ({ text })), ended.then((why) => ({ why })), late.then((why) => ({ why }))]);
    clearTimeout(timer);
    if (first.why !== undefined) throw new StackError(`${name} did not start: ${first.why}`);
    this.ready[name] = JSON.parse(first.text);
    ended.then((why) => {
      this.#running.delete(name);
      if (!this.#isStopping) this.#tellFailed(`${name} ${why}`);
    });
    return this.ready[name];
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

  /** Keys, tunnel, control plane, and the server that registers there. */
  async startTunnel({ origin, tunnelUrl, controlplaneListen }) {
    const asked = new URL(tunnelUrl);
    await this.#run(this.#program("flowersec-issuer-keygen"), ["--out-dir", this.folder, "--overwrite"]);
    const tunnel = await this.start("tunnel", this.#program("flowersec-tunnel"), [
      "--listen", `${asked.hostname}:${asked.port || 80}`, "--ws-path", asked.pathname, "--issuer-keys-file", join(this.folder, "issuer_keys.json"),
      "--aud", audience, "--iss", issuer, "--allow-origin", origin,
    ]);
    const controlplane = await this.start("controlplane", process.execPath, [
      here("../node/controlplane.mjs"), "--listen", controlplaneListen, "--tunnel-url", tunnel.ws_url, "--aud", audience, "--issuer-id", issuer,
      "--issuer-private-key-file", join(this.folder, "issuer_key.json"), "--allow-origin", origin,
    ]);
    await this.start("server", this.demoServer, ["tunnel", "--origin", origin, "--endpoint-id", "server-1"], JSON.stringify(controlplane.server_endpoint_control));
  }

  async startDirect({ origin }) {
    await this.start("direct", this.demoServer, ["direct", "--allow-origin", origin, "--init-exp-seconds", String(directInitSeconds)]);
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
  }
}
