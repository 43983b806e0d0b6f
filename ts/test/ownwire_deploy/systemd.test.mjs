// The unit under a systemd that is process 1, with all of its hardening: the gateway serves, and comes back when it is killed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startChat } from "./chat.mjs";
import { install, start, startEchoBot, startNginx } from "./world.mjs";

const group = `ownwire-test-${process.pid}`;
let systemd;
/** Children of `parent`, as numbers of this namespace, whose command line has `words`. */
const childrenOf = (parent, words) => execFileSync("pgrep", ["-P", String(parent), "-f", words], { encoding: "utf8" }).trim().split("\n").map(Number);
/** Process 1 of that systemd's namespace. */
const first = () => childrenOf(systemd.pid, "systemd")[0];
const systemctl = (...args) => execFileSync("nsenter", ["-t", String(first()), "--pid", "--mount", "--cgroup", "systemctl", ...args], { encoding: "utf8" }).trim();
const shown = (property) => systemctl("show", "--value", "--property", property, "ownwire.service");
const statusOf = (pid, name) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1];

/** What `look` gives, once it gives something; it may throw until then. */
async function eventually(look, what) {
  for (const end = Date.now() + 60_000; ; await pause(50)) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      if (Date.now() > end) throw new Error(what, { cause: error });
    }
    if (Date.now() > end) throw new Error(what);
  }
}

after(() => {
  const remove = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) remove(`${folder}/${entry.name}`);
    rmdirSync(folder);
  };
  for (const hierarchy of ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"]) {
    try {
      remove(`${hierarchy}/${group}`);
    } catch {
      // Not there, or a process that ends right now is still in it.
    }
  }
});

test("under systemd it serves with all of its hardening, comes back after a kill, and ends in time", { timeout: 120_000 }, async () => {
  install();
  const nginx = await startNginx();
  systemd = start(fileURLToPath(new URL("boot_systemd.sh", import.meta.url)), [group]);
  try {
    await eventually(() => statSync("/run/systemd/private"), `no systemd: ${systemd.log.join("\n")}`);
    const ready = await eventually(() => JSON.parse(readFileSync("/run/ownwire.out", "utf8").trim().split("\n").at(-1)), "no gateway");
    // Of this systemd alone: the other tests of the deployment run such gateways at the same time.
    const gatewayPid = () => childrenOf(first(), "^/usr/local/bin/ownwire --log-level=warn")[0];
    const pid = gatewayPid();
    assert.equal(statusOf(pid, "Uid"), execFileSync("id", ["-u", "www-data"], { encoding: "utf8" }).trim());
    assert.equal(statusOf(pid, "NoNewPrivs"), "1");
    assert.equal(statusOf(pid, "Seccomp"), "2");
    assert.equal(statusOf(pid, "CapBnd"), "0000000000000000");

    const bot = await startEchoBot();
    const { chat, reply } = startChat(ready.server_key, { reconnect: { maxAttempts: 50, initialDelayMs: 100, maxDelayMs: 500 } });
    chat.send("before");
    assert.equal((await reply()).content, "before");
    process.kill(pid, "SIGKILL");
    await eventually(() => gatewayPid() !== pid, "it did not come back");
    chat.send("after");
    assert.equal((await reply()).content, "after", "with the same key");
    assert.equal(shown("NRestarts"), "1");
    systemctl("reload", "ownwire");
    chat.close();
    systemctl("stop", "ownwire");
    assert.equal(shown("Result"), "success");
    assert.equal(readFileSync("/run/ownwire.err", "utf8"), "", "nothing to warn of");
    await bot.stop();
  } finally {
    await systemd.stop("SIGKILL");
    await nginx.stop();
  }
});
