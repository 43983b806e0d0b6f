import assert from "node:assert/strict";
import { test } from "node:test";
import { readSharedJson } from "./repository.js";

test("shared files are found from the repository's root", () => {
  assert.ok(Array.isArray((readSharedJson("idl/testdata/codec_cases.json") as { cases: unknown }).cases));
});
