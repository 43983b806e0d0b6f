import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAddress, checkPlace } from "./address.js";

test("addresses: wss, https taken as wss, and plaintext to this machine only", () => {
  const good: [string, string, string][] = [
    ["wss://chat.example/ws", "wss://chat.example/ws", "https://chat.example"],
    ["https://chat.example/ws", "wss://chat.example/ws", "https://chat.example"],
    ["WSS://Chat.Example:443/ws", "wss://chat.example/ws", "https://chat.example"],
    ["wss://chat.example:8443", "wss://chat.example:8443/", "https://chat.example:8443"],
    ["wss://chat.example/ws?a=b#c", "wss://chat.example/ws?a=b", "https://chat.example"],
    ["ws://localhost:8080/ws", "ws://localhost:8080/ws", "http://localhost:8080"],
    ["http://127.0.0.1:8080/ws", "ws://127.0.0.1:8080/ws", "http://127.0.0.1:8080"],
    ["ws://[::1]:8080/ws", "ws://[::1]:8080/ws", "http://[::1]:8080"],
    ["http://127.1/ws", "ws://127.0.0.1/ws", "http://127.0.0.1"],
  ];
  for (const [given, url, origin] of good) assert.deepEqual(checkAddress(given), { url, origin }, given);
  const bad: unknown[] = [
    "", "/ws", "//chat.example/ws", "chat.example", "ws://chat.example/ws", "http://chat.example/ws", "ws://localhost.example/ws", "ws://127.0.0.1.example/ws",
    "ws://0.0.0.0/ws", "ws://[::2]/ws", "ftp://localhost/ws", "wss://", "wss://user@chat.example/ws", "wss://:secret@chat.example/ws", "javascript:alert(1)",
    undefined, null, 1, new URL("wss://chat.example/ws"),
  ];
  for (const given of bad) assert.throws(() => checkAddress(given), { name: "OwnwireError", code: "invalid_url" }, String(given));
});

test("pages: from https and from this machine; programs are none", () => {
  const good = [undefined, "https://shop.example", "https://shop.example:8443", "http://localhost", "http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"];
  for (const origin of good) for (const isSecureContext of [true, false]) checkPlace({ origin, isSecureContext });
  checkPlace({ origin: "chrome-extension://abcdef", isSecureContext: true });
  const bad = ["http://shop.example", "http://192.168.0.1", "http://localhost.example", "http://127.0.0.1.example", "null", "", "file://"];
  for (const origin of bad) assert.throws(() => checkPlace({ origin, isSecureContext: false }), { code: "insecure_origin" }, origin);
  assert.throws(() => checkPlace({ origin: "null", isSecureContext: true }), { code: "insecure_origin" });
  assert.throws(() => checkPlace({ origin: "chrome-extension://abcdef", isSecureContext: undefined }), { code: "insecure_origin" });
  assert.throws(() => checkPlace({ origin: "http://shop.example", isSecureContext: true }), { code: "insecure_origin" });
});
