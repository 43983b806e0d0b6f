// Compiles src into dist: JavaScript, declarations and source maps. Tests stay out. Does nothing when dist is that already.
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fromHere, run } from "./run.mjs";

const stamp = fromHere("build", "dist.sha256");
const lock = fromHere("build", "dist.lock");
const staleLockMs = 300_000;

function fingerprint() {
  const hash = createHash("sha256");
  const sources = readdirSync(fromHere("src"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  for (const name of [...sources.map((each) => `src/${each}`).sort(), "package-lock.json", "tsconfig.json", "tsconfig.build.json"]) {
    hash.update(`${name}\n`).update(readFileSync(fromHere(name)));
  }
  return hash.digest("hex");
}

/** One builds, the others wait. */
async function locked(body) {
  mkdirSync(fromHere("build"), { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > staleLockMs) rmSync(lock, { recursive: true, force: true });
      await sleep(200);
    }
  }
  process.on("exit", () => rmSync(lock, { recursive: true, force: true }));
  body();
}

await locked(() => {
  const now = fingerprint();
  if (existsSync(fromHere("dist")) && existsSync(stamp) && readFileSync(stamp, "utf8") === now) return;
  rmSync(stamp, { force: true });
  rmSync(fromHere("dist"), { recursive: true, force: true });
  run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
  chmodSync(fromHere("dist", "peer", "main.js"), 0o755);
  writeFileSync(stamp, now);
});
