// What the scripts share: paths from the package's root, and programs whose failure is ours.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** A path inside the package. */
export const fromHere = (...parts) => join(packageRoot, ...parts);

/** Runs a JavaScript program of the package; ends this one with its code when that is not 0. */
export function run(program, args, options = {}) {
  const { status } = spawnSync(process.execPath, [fromHere(program), ...args], { stdio: "inherit", cwd: packageRoot, ...options });
  if (status !== 0) process.exit(status ?? 1);
}
