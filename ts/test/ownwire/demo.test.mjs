// `make demo-ownwire` once it is built: what it prints is there, and Ctrl-C ends all of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { Ownwire } from "flowersec/ownwire";
import { build, listenTo, root } from "../browser/demo.mjs";
import { isBuilt } from "./gateway_process.mjs";

test("the demo's page is there, its bot answers, and Ctrl-C ends everything", { timeout: 120_000, skip: !isBuilt && "no ownwire in the build" }, async () => {
  // A process group of its own, as in a terminal.
  const demo = spawn(join(root, "tools/demo-ownwire"), [build, "0"], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => demo.exitCode === null && process.kill(-demo.pid, "SIGKILL"));
  const said = listenTo(demo.stdout);
  const value = async (pattern) => pattern.exec(await said.next(pattern, 1))[1];
  const page = await value(/The page +(\S+)$/);
  const key = await value(/public key (\S+)$/);
  assert.match(await (await fetch(page)).text(), /ownwireWidget/);

  const chat = new Ownwire(new URL("/ws", page).href.replace(/^http/, "ws"), { server_keys: [key] });
  const reply = new Promise((resolve) => (chat.onMessage = resolve));
  chat.connect();
  chat.send("hello");
  assert.equal(await reply, "hello");
  const ended = once(demo, "exit");
  process.kill(-demo.pid, "SIGINT");
  assert.deepEqual(await ended, [130, null]);
  await assert.rejects(fetch(page), "nothing listens there");
  assert.throws(() => process.kill(-demo.pid, 0), { code: "ESRCH" }, "no process is left");
  chat.close();
});
