import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretWatch } from "./secret_watch.js";

const secret = "a-secret-that-nobody-may-say";
const places: [string, unknown][] = [
  ["a text", `before ${secret} after`],
  ["the beginning of one", secret.slice(0, 12)],
  ["a message", new Error(`no ${secret}`)],
  ["a cause of a cause", new Error("a", { cause: new Error("b", { cause: secret }) })],
  ["a field of an error", Object.assign(new Error("a"), { responseBody: secret })],
  ["one of several errors", new AggregateError([new Error("a"), new Error(secret)])],
  ["an event", { v: 1, code: "connect_ok", extra: [{ deep: secret }] }],
];
for (const [name, said] of places) {
  test(`a secret in ${name} is found, and not repeated`, () => {
    const watch = new SecretWatch("another secret of somebody", secret);
    assert.throws(() => watch.look(said), (error) => {
      assert.ok(error instanceof assert.AssertionError && !error.message.includes(secret.slice(0, 12)));
      return true;
    });
    assert.equal(watch.finds, 1);
  });
}

test("what holds none passes, and a secret too short to be looked for does not", () => {
  const watch = new SecretWatch(secret);
  for (const said of ["a-secret", new Error("no"), undefined, { v: 1 }]) watch.look(said);
  assert.equal(watch.looks, 4);
  assert.throws(() => new SecretWatch("short"));
});
