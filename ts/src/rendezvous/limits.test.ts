// docs/LIMITS.md has a row for each limit, and docs/ERRORS.md for each code.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../testing/repository.js";
import { registryCodes } from "./error.js";
import * as limits from "./limits.js";

const page = (name: string) => readFileSync(join(repositoryRoot, "docs", name), "utf8");

test("LIMITS lists every limit with its value, and no other", () => {
  const { registryDefaults, rendezvousVersion, ...rest } = limits;
  assert.equal(rendezvousVersion, 1);
  const values = new Map(Object.entries({ ...rest, ...registryDefaults }).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
  const [, section = ""] = page("LIMITS.md").split("Of TypeScript, `ts/src/rendezvous/limits.ts`");
  const rows = [...(section.split("\n## ")[0] as string).matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [name, Number(value)] as const);
  assert.deepEqual(new Map(rows as [string, number][]), values);
});

test("ERRORS lists every code of RendezvousError", () => {
  const [, section = ""] = page("ERRORS.md").split("\n## SecureWebSocket\n");
  const named = new Set([...(section.split("\n## ")[0] as string).matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) => (cell as string).match(/\w+/g) ?? []));
  const source = readFileSync(join(repositoryRoot, "ts/src/rendezvous/error.ts"), "utf8");
  const [, union = ""] = source.split("export type RendezvousErrorCode =");
  const codes = (union.split(";")[0] as string).match(/(?<=")\w+(?=")/g) ?? [];
  assert.ok(codes.length > 15);
  for (const code of [...registryCodes, "refused", ...codes]) assert.ok(named.has(code), code);
});
