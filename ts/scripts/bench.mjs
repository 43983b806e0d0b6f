// Runs the measurements: every bench/*.ts, or those whose name holds one of the words given.
//
//   npm run bench                   all
//   npm run bench -- records        bench/records.ts
//   npm run bench -- --json FILE    all; figures with a goal are appended to FILE, a JSON object a line
//
// esbuild bundles each from src, as Node would run the package. Exit 1 when one of them misses its goal.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { fromHere } from "./run.mjs";

const words = process.argv.slice(2);
const json = words.indexOf("--json");
if (json >= 0) process.env["FLOWERSEC_BENCH_ROWS"] = resolve(words.splice(json, 2)[1] ?? "");
const names = readdirSync(fromHere("bench")).filter(
  (name) => name.endsWith(".ts") && (words.length === 0 || words.some((word) => name.includes(word))),
);
mkdirSync(fromHere("build"), { recursive: true });
const out = mkdtempSync(fromHere("build", "bench-"));
process.on("exit", () => rmSync(out, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

await build({
  entryPoints: names.map((name) => fromHere("bench", name)),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  packages: "external",
  sourcemap: "inline",
  alias: {
    "#crypto-platform": fromHere("src/crypto/node/platform.ts"),
    "#crypto-sync": fromHere("src/crypto/node/platform.ts"),
  },
  logLevel: "warning",
});
for (const name of names) {
  const { status } = spawnSync(process.execPath, ["--enable-source-maps", join(out, name.replace(/\.ts$/, ".mjs"))], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
