// Runs the package's tests: every src/**/*.test.ts, or those whose path holds one of the words given.
//
//   npm test                    all
//   npm test -- yamux rpc       src/yamux and src/rpc, and whatever else has these words in its path
//   npm test -- --types         type-check first
//
// esbuild turns each file into JavaScript without bundling, into a folder of this run below build/; source maps lead back.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { fromHere, run } from "./run.mjs";

const words = process.argv.slice(2).filter((word) => word !== "--types");
if (process.argv.includes("--types")) run("scripts/check.mjs", []);

const sources = readdirSync(fromHere("src"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
mkdirSync(fromHere("build"), { recursive: true });
const out = mkdtempSync(fromHere("build", "test-"));
process.on("exit", () => rmSync(out, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const compile = (names) => build({
  entryPoints: names.map((name) => fromHere("src", name)),
  outbase: fromHere("src"),
  outdir: out,
  format: "esm",
  target: "es2022",
  sourcemap: "inline",
  sourcesContent: false,
  logLevel: "error",
});
try {
  await compile(sources);
} catch ({ errors }) {
  // A file that is being written must not stop the tests of another: with words, what does not parse is left out.
  if (words.length === 0 || !errors) process.exit(1);
  const broken = new Set(errors.map(({ location }) => relative(fromHere("src"), fromHere(location.file))));
  await compile(sources.filter((name) => !broken.has(name)));
}
// The same package, except that what it has in dist is here: sub-paths and conditions resolve as a user's do.
const manifest = readFileSync(fromHere("package.json"), "utf8").replaceAll("./dist/", "./");
writeFileSync(join(out, "package.json"), manifest);

const tests = sources
  .filter((name) => name.endsWith(".test.ts") && (words.length === 0 || words.some((word) => name.includes(word))))
  .map((name) => relative(process.cwd(), join(out, name.replace(/\.ts$/, ".js"))));
if (tests.length === 0) {
  console.error(`test: no test has ${words.join(" or ")} in its path`);
  process.exit(1);
}
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-reporter=spec", ...tests], {
  stdio: "inherit",
  env: { ...process.env, FLOWERSEC_ROOT: fromHere("..") },
});
process.exit(status ?? 1);
