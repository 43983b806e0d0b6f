// The demo, started for a test: on free ports, ended with the test.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The build folder: FLOWERSEC_BUILD, else build/release. */
export const build = process.env.FLOWERSEC_BUILD ?? join(root, "build/release");

/** A folder of the build for what a test leaves behind. */
export function outputFolder(name) {
  const folder = join(build, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The lines of a stream: those so far, and whoever waits for one. */
export function listenTo(stream) {
  const lines = [];
  const waiting = new Set();
  const look = () => waiting.forEach((check) => check());
  createInterface({ input: stream }).on("line", (line) => {
    lines.push(line);
    look();
  });
  return {
    lines,
    /** The line after those of now; with `times`, when it has been there so often altogether. */
    next(wanted, times) {
      const from = times === undefined ? lines.length : 0;
      return new Promise((resolve) => {
        const check = () => {
          const found = lines.slice(from).filter((line) => (wanted instanceof RegExp ? wanted.test(line) : line === wanted));
          if (found.length < (times ?? 1)) return;
          waiting.delete(check);
          resolve(found.at(-1));
        };
        waiting.add(check);
        check();
      });
    },
  };
}

/** Starts the development server and everything behind it. `log` is what it has said on stderr. */
export async function startDemo(...flags) {
  const args = [
    join(root, "examples/browser/dev-server.mjs"), "--port", "0", "--tunnel-url", "ws://127.0.0.1:0/ws", "--controlplane-listen", "127.0.0.1:0",
    "--control-listen", "127.0.0.1:0", "--programs", join(build, "bin"), "--demo-server", join(build, "examples/demo-server"), ...flags,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], cwd: root });
  process.on("exit", () => child.kill()); // also when the test fails to stop it
  const { lines: log, next } = listenTo(child.stderr);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  const line = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  const text = await Promise.race([line, ended.then((code) => Promise.reject(new Error(`the demo ended with ${code}\n${log.join("\n")}`)))]);
  return {
    ready: JSON.parse(text),
    log,
    /** The next line on stderr that is so. */
    says: next,
    pid: child.pid,
    ended,
    /** Ends it as Ctrl-C does; gives its exit code. */
    stop() {
      child.kill("SIGINT");
      return ended;
    },
  };
}
