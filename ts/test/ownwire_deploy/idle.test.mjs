// A chat in which nobody says anything stays connected through nginx, whose time-outs are 75 s, by the gateway's pings alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { capture, framesOf, isWebSocket } from "./captured.mjs";
import { startChat } from "./chat.mjs";
import { install, startEchoBot, startGateway, startNginx } from "./world.mjs";

const seconds = Number(process.env.SECONDS_IDLE ?? 3 * 75);
const pingSeconds = 25;
const ping = 9;

test(`a connection idle for ${seconds} s stays open`, { timeout: (seconds + 60) * 1000 }, async () => {
  install();
  const ear = await capture(8080, 8081);
  const nginx = await startNginx();
  const gateway = await startGateway();
  const bot = await startEchoBot();
  const { chat, opened, reply, states, errors } = startChat(gateway.ready.server_key);
  await opened;
  chat.send("before");
  const { info: { session_id: session } } = await reply();

  await after(seconds * 1000); // what is tested is that time goes by

  chat.send("behind it");
  const { content, info } = await reply();
  assert.deepEqual([content, info.session_id], ["behind it", session]);
  assert.deepEqual([states, errors], [["connecting", "open"], []]);
  chat.close();
  await bot.stop();
  await gateway.stop();
  await nginx.stop();
  const seen = await ear.end();
  for (const port of [8080, 8081]) {
    const connections = seen[port].filter(isWebSocket);
    assert.equal(connections.length, 1, `one connection to ${port} all the time`);
    const pings = framesOf(connections[0].server).filter(({ opcode }) => opcode === ping).length;
    assert.ok(pings >= Math.floor(seconds / pingSeconds) - 1, `${pings} pings on ${port}`);
  }
});
