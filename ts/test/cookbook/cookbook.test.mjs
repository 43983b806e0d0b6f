// Runs every command of examples/README.md, in its order, and looks for what it is said to print. A row whose command is
// followed by … runs until the end. Addresses and folders are replaced by those of this run; nothing else is.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { build, root, startDemo } from "../browser/demo.mjs";

const commandTimeoutMs = 120_000;
const fewestRows = 25; // a table that is not understood must not pass for an empty one

/** The rows of every table that has a column Command. */
function readRows(text) {
  const rows = [];
  let isOurs = false;
  for (const line of text.split("\n")) {
    const cells = line.startsWith("|") ? line.slice(1, line.lastIndexOf("|")).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")) : [];
    if (cells.length === 0) isOurs = false;
    else if (cells[1] === "Command") isOurs = true;
    else if (isOurs && !/^-+$/.test(cells[1])) rows.push(cells);
  }
  return rows.map(([scenario, command, prints]) => {
    const [, shown, runsOn] = /^`([^`]+)`( …)?$/.exec(command) ?? [];
    const [, expected] = /^`([^`]+)`$/.exec(prints) ?? [];
    assert.ok(shown && expected, `a row that cannot be read: ${scenario}`);
    return { scenario: scenario.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"), command: shown, expected, runsOn: runsOn !== undefined };
  });
}

const rows = readRows(readFileSync(join(root, "examples/README.md"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "flowersec-cookbook-"));
const running = [];
let demo;

before(async () => {
  demo = await startDemo("--folder", join(folder, "flowersec-demo"));
  demo.tunnelUrl = (await (await fetch(`${demo.ready.origin}/__demo/status`)).json()).tunnel.ws_url;
});
after(async () => {
  for (const child of running) stop(child, "SIGTERM");
  await Promise.all(running.map((child) => child.ended));
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** All at once: what was put in is not replaced again. */
function here(command) {
  const replaced = {
    "http://127.0.0.1:5173": demo.ready.origin,
    "ws://127.0.0.1:8080/ws": demo.tunnelUrl,
    "http://127.0.0.1:8081": demo.ready.controlplane_http_url,
    "ws://127.0.0.1:8082/control/ws": demo.ready.controlplane_control_url,
    "build/release": relative(root, build),
    "/tmp/": `${folder}/`,
  };
  const texts = Object.keys(replaced).map((text) => text.replace(/[.]/g, "\\."));
  return command.replace(new RegExp(texts.join("|"), "g"), (found) => replaced[found]);
}

/** Ends a command and what it started. */
function stop(child, signal) {
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
}

/** Starts a command as a terminal does, with a process group of its own. */
function start(command) {
  const child = spawn("bash", ["-o", "pipefail", "-c", here(command)], {
    cwd: root, detached: true, stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FSEC_ORIGIN: demo.ready.origin }, // where the default would be the demo's usual address
  });
  child.said = "";
  child.complained = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    child.said += text;
    child.emit("said");
  });
  child.stderr.setEncoding("utf8").on("data", (text) => (child.complained += text));
  child.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
  return child;
}

test(`the cookbook has its ${fewestRows} commands`, () => assert.ok(rows.length >= fewestRows, `${rows.length}`));

for (const { scenario, command, expected, runsOn } of rows) {
  test(scenario, async () => {
    const child = start(command);
    const late = setTimeout(() => stop(child, "SIGKILL"), commandTimeoutMs);
    child.ended.then(() => clearTimeout(late));
    const hasSaidIt = () => (runsOn ? child.said.includes(expected) : child.said.split("\n").some((line) => line.includes(expected)));
    if (!runsOn) {
      assert.equal(await child.ended, 0, child.complained);
      assert.ok(hasSaidIt(), `printed:\n${child.said}`);
      return;
    }
    running.push(child);
    const saidIt = new Promise((resolve) => child.on("said", () => hasSaidIt() && resolve()));
    const endedEarly = child.ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${child.complained}`)));
    await Promise.race([saidIt, endedEarly]);
    clearTimeout(late);
    endedEarly.catch(() => {}); // from here on it may
  });
}
