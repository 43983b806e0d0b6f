// Real processes, gone with whoever started them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { within } from "./connection.mjs";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

function lines(stream) {
  const kept = [];
  const waiting = [];
  createInterface({ input: stream })
    .on("line", (line) => (waiting.length > 0 ? waiting.shift()(line) : kept.push(line)))
    .on("close", () => waiting.splice(0).forEach((resolve) => resolve(undefined)));
  return () => (kept.length > 0 ? Promise.resolve(kept.shift()) : new Promise((resolve) => waiting.push(resolve)));
}

/** A program; `outLine` and `errLine` are its next lines, `json` the next one read, `ended` its exit code. */
export function startProgram(file, ...args) {
  return start(file, args, "ignore");
}
/** The same, with a stdin. */
export function startTold(file, ...args) {
  return start(file, args, "pipe");
}

function start(file, args, stdin) {
  const child = spawn(file, args, { stdio: [stdin, "pipe", "pipe"] });
  running.add(child);
  let err = "";
  child.stderr.on("data", (text) => (err += text));
  const ended = once(child, "close").then(([code]) => {
    running.delete(child);
    return code;
  });
  const outLine = lines(child.stdout);
  const errLine = lines(child.stderr);
  const json = async () => {
    const line = await within(outLine(), `line of ${file}`);
    if (line === undefined) throw new Error(`${file} said nothing: ${err.slice(0, 400)}`);
    return JSON.parse(line);
  };
  return { child, json, outLine, errLine, ended, err: () => err.trim() };
}

/** Waits for the end, which must be a good one. */
export async function runProgram(file, ...args) {
  const { ended, err } = startProgram(file, ...args);
  const code = await ended;
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${err()}`);
}
