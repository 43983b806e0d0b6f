// Packs the package and installs the result into a folder, as a user's npm would, from what is on this machine.
//
//   node scripts/pack.mjs <folder>      makes <folder>/node_modules/flowersec and <folder>/node_modules/.bin/flowersec-peer
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fromHere, run } from "./run.mjs";

const [target] = process.argv.slice(2);
if (target === undefined) {
  console.error("usage: node scripts/pack.mjs <folder>");
  process.exit(2);
}
const modules = join(resolve(target), "node_modules");

function must(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  console.error(stderr);
  process.exit(1);
}

run("scripts/build.mjs", []);
mkdirSync(modules, { recursive: true });
const [{ filename }] = JSON.parse(must("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", resolve(target)], fromHere()));
must("tar", ["-xzf", join(resolve(target), filename), "-C", modules]);
rmSync(join(modules, "flowersec"), { recursive: true, force: true });
renameSync(join(modules, "package"), join(modules, "flowersec"));

const { dependencies, bin } = JSON.parse(readFileSync(join(modules, "flowersec", "package.json"), "utf8"));
const link = (to, from) => {
  mkdirSync(dirname(from), { recursive: true });
  rmSync(from, { force: true });
  symlinkSync(to, from);
};
for (const name of Object.keys(dependencies)) link(fromHere("node_modules", name), join(modules, name));
for (const [name, file] of Object.entries(bin)) link(join("..", "flowersec", file), join(modules, ".bin", name));
