// Where tests find the files that both languages share. Set by scripts/test.mjs.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The repository's root folder. */
export const repositoryRoot: string = (() => {
  const root = process.env["FLOWERSEC_ROOT"];
  if (root === undefined) throw new Error("run tests with npm test: FLOWERSEC_ROOT is not set");
  return root;
})();

/** A JSON file of the repository, by its path from the root. */
export function readSharedJson(path: string): unknown {
  return JSON.parse(readFileSync(join(repositoryRoot, path), "utf8"));
}
