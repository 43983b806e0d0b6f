// Callbacks that are async and reject: in Node a rejection that nobody handles ends the process.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { FakeClient, reconnectWorld as world } from "../testing/reconnect_world.js";

test("a listener that is async and rejects disturbs nobody", async () => {
  const { manager, established, nothingLeft } = world();
  const heard: string[] = [];
  manager.subscribe(async ({ status }) => {
    heard.push(status);
    throw new Error("theirs");
  });
  const client = await established(new FakeClient());
  manager.disconnect();
  await turn();
  assert.deepEqual([heard, client.closes], [["disconnected", "connecting", "connected", "disconnected"], 1]);
  nothingLeft();
});

test("a client whose close is async and rejects is closed like any other", async () => {
  const { manager, established, nothingLeft } = world();
  const client = await established(new FakeClient());
  let closes = 0;
  client.close = async () => {
    closes++;
    throw new Error("theirs");
  };
  manager.disconnect();
  await turn();
  assert.deepEqual([closes, manager.state()], [1, { status: "disconnected" }]);
  nothingLeft();
});
