import assert from "node:assert/strict";
import { test } from "node:test";
import { directionOf } from "../../base/direction.js";
import { optionsOf } from "./loader.js";
import { defaultStrings, stringsWith } from "./strings.js";

/** What is read of a script tag. */
const tag = (dataset: Record<string, string>): HTMLElement => ({ dataset }) as unknown as HTMLElement;

test("a script tag without data-ws-url starts nothing", () => assert.equal(optionsOf(tag({ title: "Chat" })), undefined));

test("attributes become options", () => {
  assert.deepEqual(optionsOf(tag({ wsUrl: "wss://h/ws", widgetOrigin: "https://h", minimizedMode: "icon", history: "false", strings: '{"send":"Senden"}' })), {
    ws_url: "wss://h/ws", widget_origin: "https://h", minimized_mode: "icon", history: false, strings: { send: "Senden" },
  });
  assert.equal(optionsOf(tag({ wsUrl: "wss://h/ws" }))?.history, true);
});

test("only texts replace texts", () => {
  assert.equal(stringsWith({ send: "Senden" }).send, "Senden");
  for (const given of [undefined, null, 7, "x", { send: 7, other: "x" }]) assert.deepEqual(stringsWith(given), defaultStrings);
});

test("a direction comes from the language", () => {
  for (const [lang, dir] of [["en", "ltr"], ["ar", "rtl"], ["he-IL", "rtl"], ["arn", "ltr"], ["", "ltr"], ["fa", "rtl"]]) assert.equal(directionOf(lang as string), dir, lang);
});
