// Type-checks src, tests too, and makes dist of it: JavaScript, declarations and source maps, without the tests. Does nothing when dist is that
// already: whoever needs one of the two has both, for the compiler's time once.
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fromHere, run } from "./run.mjs";

const stamp = fromHere("build", "dist.sha256");
const lock = fromHere("build", "dist.lock");
const staleLockMs = 300_000;

const filesOf = (folder) => readdirSync(fromHere(folder), { recursive: true, encoding: "utf8" });

function fingerprint() {
  const hash = createHash("sha256");
  const sources = filesOf("src").filter((name) => name.endsWith(".ts"));
  for (const name of [...sources.map((each) => `src/${each}`).sort(), "package-lock.json", "tsconfig.json", "scripts/build.mjs"]) {
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
  run("node_modules/typescript/bin/tsc", ["-p", "tsconfig.json"]);
  rmSync(fromHere("dist", "testing"), { recursive: true });
  for (const name of filesOf("dist").filter((each) => /\.test\.(js|d\.ts|js\.map)$/.test(each))) rmSync(fromHere("dist", name));
  chmodSync(fromHere("dist", "peer", "main.js"), 0o755);
  writeFileSync(stamp, now);
});
