// Real processes, each in a network namespace. They are gone with the process namespace of the lab.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Rejects after so many milliseconds. */
export async function within(ms, promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no ${what} in ${ms} ms`)), ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long a program may take to say its first word: on a starved machine that is no matter of seconds. */
const longestMs = 180_000;

/** A program in the namespace `space`. `json` takes its next line, `onLine` all that come; `tell` writes a line to it. */
export function start(space, file, ...args) {
  const child = spawn("nsenter", [`--net=/run/netns/${space}`, file, ...args.map(String)], { stdio: ["pipe", "pipe", "pipe"] });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  child.stdin.on("error", () => {});
  const lines = [];
  const waiting = [];
  createInterface({ input: child.stdout })
    .on("line", (line) => (waiting.length > 0 ? waiting.shift()(line) : lines.push(line)))
    .on("close", () => {
      waiting.splice(0).forEach((resolve) => resolve(undefined));
      lines.push(undefined);
    });
  const line = () => (lines.length > 0 ? Promise.resolve(lines[0] === undefined ? undefined : lines.shift()) : new Promise((resolve) => waiting.push(resolve)));
  const name = file.split("/").at(-1);
  const json = async (ms = longestMs) => {
    const text = await within(ms, line(), `line of ${name}`);
    if (text === undefined) throw new Error(`${name} ended with ${await ended}: ${err.trim().slice(-400)}`);
    return JSON.parse(text);
  };
  const each = async (listener) => {
    for (let text = await line(); text !== undefined; text = await line()) listener(JSON.parse(text));
  };
  const ended = once(child, "close").then(([code]) => code);
  return { pid: child.pid, json, each, ended, tell: (text) => child.stdin.write(`${text}\n`), stop: (signal = "SIGTERM") => child.kill(signal), err: () => err.trim(), name };
}

/** Waits for the end, which must be a good one. */
export async function run(file, ...args) {
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${file} ${args.join(" ").slice(0, 200)} ended with ${code}: ${err.trim()}`);
}
