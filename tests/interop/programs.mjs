// Real processes for the interop programs: started, listened to, and gone with whoever started them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** `--cpp <folder with the C++ programs> --ts <folder with the packed flowersec-peer> --work <folder>` */
export const { values: folders } = parseArgs({ options: { cpp: { type: "string" }, ts: { type: "string" }, work: { type: "string" } } });
export const program = (name) => join(folders.cpp, name);
export const peers = { "C++": program("flowersec-peer"), TS: join(folders.ts, "flowersec-peer") };
export const checkNames = [
  "connect", "call", "notification", "payloads", "errors", "concurrent_calls", "echo_and_rekey", "upload", "download", "probe", "unknown_kind",
  "call_afterwards",
];

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

const secrets = new Set();
/** Notes how the secrets in a file of credentials begin; of a token, how its signature does. */
function noteSecrets(file) {
  if (!file.endsWith(".json") || !existsSync(file)) return;
  for (const [, secret] of readFileSync(file, "utf8").matchAll(/"(?:e2ee_psk_b64u|privkey_b64u|token)":\s*"([^"]+)"/g)) {
    secrets.add(secret.slice(secret.startsWith("FST2.") ? secret.lastIndexOf(".") + 1 : 0).slice(0, 20));
  }
}
/** No program may print a secret of the files it was given: this one ends with 1 then. */
function lookForSecrets(file, printed) {
  for (const secret of secrets) {
    if (!printed.includes(secret)) continue;
    console.error(`${file} printed a secret: ${printed.trim().slice(0, 400)}`);
    process.on("exit", () => (process.exitCode = 1));
  }
}

/** A program with its lines on stdout; `ended` is its exit code. */
export function start(file, ...args) {
  args.forEach(noteSecrets);
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  const ended = once(child, "close").then(([code]) => {
    running.delete(child);
    lookForSecrets(file, err);
    return code;
  });
  const waiting = [];
  const lines = [];
  createInterface({ input: child.stdout })
    .on("line", (line) => (waiting.length > 0 ? waiting.shift()(line) : lines.push(line)))
    .on("close", () => waiting.splice(0).forEach((resolve) => resolve(undefined)));
  const line = () => (lines.length > 0 ? Promise.resolve(lines.shift()) : new Promise((resolve) => waiting.push(resolve)));
  const json = async () => {
    const text = await line();
    lookForSecrets(file, text ?? "");
    if (text === undefined) throw new Error(`${file} ${args[0] ?? ""} said nothing: ${err.trim().slice(0, 400)}`);
    return JSON.parse(text);
  };
  return { child, json, ended, err: () => err.trim().slice(0, 400) };
}

/** Waits for the end, which must be a good one. */
export async function run(file, ...args) {
  const { ended, err } = start(file, ...args);
  const code = await ended;
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${err()}`);
}

/** What failed of a client that tried everything against a server, both told to stop after `ms`; and the client's report. */
export async function judge({ server, client, path, mib, ms = 90_000 }) {
  const timer = setTimeout(() => [server, client].forEach(({ child }) => child.kill("SIGKILL")), ms);
  try {
    const report = await client.json();
    const served = await server.json();
    const failed = checkNames.filter((name) => report.checks[name] !== "ok").map((name) => `${name}: ${report.checks[name] ?? "missing"}`);
    if (report.path !== path) failed.push(`the client's path is ${report.path}`);
    if (!report.ok) failed.push("the client is not ok");
    if (!served.ok || served.path !== path || served.failed_streams !== 0 || served.role !== "server") failed.push(`the server says ${JSON.stringify(served)}`);
    if (served.bytes_in < mib << 20 || served.bytes_out < mib << 20) failed.push("the server counted too few bytes");
    const codes = await Promise.all([client.ended, server.ended]);
    if (codes.some((code) => code !== 0)) failed.push(`exit codes ${codes.join(" and ")}: ${client.err()} ${server.err()}`);
    return { failed, figures: report.figures, held: checkNames.filter((name) => report.checks[name] === "ok").length };
  } finally {
    clearTimeout(timer);
    for (const { child } of [server, client]) child.kill();
  }
}
