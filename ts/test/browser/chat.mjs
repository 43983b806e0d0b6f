// The chat page for a test: tunnel, registry and the page's own server on free ports; messengers in terminals.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build, root } from "./demo.mjs";
import { Arrivals, openPage } from "./ownwire.mjs";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill()));
/** Ends with the test. */
function start(...given) {
  const child = spawn(...given);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

function run(command, args) {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ended with ${status}\n${stderr}`);
}

/** A server whose first line is JSON. */
async function serve(command, args) {
  const child = start(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  const line = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  const text = await Promise.race([line, ended.then((code) => Promise.reject(new Error(`${command} ended with ${code}\n${log.join("\n")}`)))]);
  return {
    ready: JSON.parse(text),
    log,
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Everything that the page needs. */
export async function startChat() {
  const folder = mkdtempSync(join(tmpdir(), "flowersec-chat-"));
  const program = (name) => join(build, "bin", name);
  run(process.execPath, [join(root, "ts/scripts/chat.mjs"), "--out", join(folder, "page")]);
  run(program("flowersec-issuer-keygen"), ["--out-dir", join(folder, "keys")]);
  const tunnel = await serve(program("flowersec-tunnel"), [
    "--listen", "127.0.0.1:0", "--issuer-keys-file", join(folder, "keys/issuer_keys.json"), "--aud", "chat", "--iss", "r",
  ]);
  const registry = await serve(program("flowersec-registry"), [
    "--listen", "127.0.0.1:0", "--key-file", join(folder, "registry.json"), "--issuer-keys", join(folder, "keys/issuer_key.json"), "--tunnel-url",
    tunnel.ready.ws_url, "--aud", "chat", "--iss", "r", "--allow-origin", "localhost", "--metrics-listen", "127.0.0.1:0", "--registrations-per-second", "1000",
    "--log-level", "debug",
  ]);
  const url = `ws://${registry.ready.listen}`;
  const page = await serve(process.execPath, [
    join(root, "examples/chat/page-server.mjs"), "--page", join(folder, "page"), "--registry-url", url, "--registry-key", registry.ready.registry_key,
    "--saw", `Registry=${registry.ready.metrics_url}`,
  ]);
  let people = 0;
  return {
    tunnel, registry, page, url: page.ready.url,
    /** For clients of others. */
    registryUrl: url, registryKey: registry.ready.registry_key, origin: new URL(page.ready.url).origin,
    /** flowersec chat, in its mode for scripts. */
    async terminal() {
      const child = start(program("flowersec"), [
        "chat", "--json", "--registry", url, "--registry-key", registry.ready.registry_key, "--insecure-loopback", "--page", page.ready.url,
        "--identity", join(folder, `person${++people}.json`), "--new-identity",
      ], { stdio: ["pipe", "pipe", "inherit"] });
      const heard = new Arrivals();
      createInterface({ input: child.stdout }).on("line", (line) => heard.add(JSON.parse(line)));
      const tell = (command) => child.stdin.write(`${JSON.stringify(command)}\n`);
      const { key } = await heard.find(({ event }) => event === "ready");
      await heard.find(({ event, status }) => event === "registry" && status === "registered");
      return {
        key, heard,
        tell,
        /** Known from here on: who calls before that is a stranger. */
        async add(name, key) {
          tell({ do: "add", name, key });
          await heard.find(({ event, contact }) => event === "contact" && contact.key === key);
        },
        says: (content) => heard.find((event) => event.event === "message" && event.content === content, `the message ${content}`),
        stop() {
          const ended = new Promise((resolve) => child.once("exit", resolve));
          child.stdin.end();
          return ended;
        },
      };
    },
    async stop() {
      await Promise.all([page, registry, tunnel].map((each) => each.stop()));
      running.forEach((child) => child.kill()); // those of tests that failed
      rmSync(folder, { recursive: true });
    },
  };
}

/** A tab with the page, registered. */
export async function openChat(browser, url, options) {
  const it = await openPage(browser, url, options);
  const { page } = it;
  await page.locator(".registry.registered").waitFor();
  const log = page.locator(".log");
  return {
    ...it,
    key: await page.locator("#own-key").textContent(),
    add: async (name, key) => {
      await page.getByLabel("Name", { exact: true }).fill(name);
      await page.getByLabel("Key or address").fill(key);
      await page.getByRole("button", { name: "Add contact" }).click();
    },
    say: async (text) => {
      await page.getByLabel("Message", { exact: true }).fill(text);
      await page.keyboard.press("Enter");
    },
    hears: (text) => log.locator(".theirs .text", { hasText: text }).waitFor(),
    delivered: (text) => log.locator(".mine", { hasText: text }).locator(".delivery.delivered").waitFor(),
    failed: (text) => log.locator(".mine", { hasText: text }).locator(".delivery.failed").waitFor(),
    texts: () => log.locator(".text").allTextContents(),
  };
}
