// Text of strangers: what is dropped, what is shown, what stays.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSharedJson } from "../testing/repository.js";
import { displayText, hasHiddenCharacters } from "./display_text.js";

const table = readSharedJson("testdata/base/display_text.json") as {
  cases: { name: string; text: string; shown: string; kept: string }[];
  units: { name: string; hex: string; shown: string }[];
};

test("display text: every case of the shared table, and what is displayed stays as it is", () => {
  assert.ok(table.cases.length > 20);
  for (const { name, text, shown, kept } of table.cases) {
    assert.equal(displayText(text), shown, name);
    assert.equal(displayText(text, "kept"), kept, name);
    assert.equal(hasHiddenCharacters(text), shown !== text, name);
    assert.equal(displayText(shown), shown, name);
    assert.equal(hasHiddenCharacters(shown), false, name);
  }
});

test("display text: lone surrogates are shown, and a pair is not", () => {
  for (const { name, hex, shown } of table.units) {
    const text = String.fromCharCode(...hex.match(/.{4}/g)!.map((unit) => Number.parseInt(unit, 16)));
    assert.equal(displayText(text), shown, name);
    assert.ok(hasHiddenCharacters(text), name);
  }
  assert.equal(displayText("\u{1f44d}"), "\u{1f44d}");
});
