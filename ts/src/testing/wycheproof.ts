// The Wycheproof vectors, when they are beside the project.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hex } from "./bytes.js";
import { repositoryRoot } from "./repository.js";

const beside = join(repositoryRoot, "..", "shared", "vectors", "wycheproof");

/** For a test or a group of tests that looks at them. */
export const whenThere = { skip: existsSync(beside) ? false : "the Wycheproof vectors are not beside the project" };

export type Vector = Record<string, string> & { result: string };
export type VectorGroup = { tests: Vector[] } & Record<string, unknown>;

export function groupsOf(file: string): VectorGroup[] {
  return (JSON.parse(readFileSync(join(beside, file), "utf8")) as { testGroups: VectorGroup[] }).testGroups;
}

/** The bytes of a field; none when it is absent. */
export function bytesAt(vector: Record<string, string>, key: string): Uint8Array {
  return hex(vector[key] ?? "");
}
