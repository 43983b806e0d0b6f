// A client that stays: numbered lines over an echo stream, on a connection that comes back. The same as cpp/tests/lab/client.h,
// whose lines it takes and says.
//
//   node client.mjs ORIGIN CA-FILE PROBE-INTERVAL-MS PROBE-TIMEOUT-MS MAX-ATTEMPTS
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { assertConnectArtifact, createNodeReconnectConfig, createNodeWsFactory } from "flowersec/node";
import { createReconnectManager } from "flowersec/reconnect";

const [origin, ca, interval, timeout, maxAttempts] = process.argv.slice(2);
const lineBytes = 1000;
const lineOf = (number) => `${`${number} `.padEnd(lineBytes - 1, ".")}\n`;
const say = (is, more) => process.stdout.write(`${JSON.stringify({ is, ...more })}\n`);
const errorOf = ({ path, stage, code, message }) => ({ error: code === undefined ? message : `${path}: ${stage}/${code}` });

let said = 0;
let heard = 0;
let generation = 0;
let wake = () => {};
const artifacts = [];
let artifactCame = () => {};

async function acquire() {
  say("wants");
  while (artifacts.length === 0) await new Promise((resolve) => (artifactCame = resolve));
  return assertConnectArtifact(JSON.parse(readFileSync(artifacts.shift(), "utf8")));
}

async function send(stream, mine) {
  for (let sent = heard; mine === generation; ) {
    if (sent === said) await new Promise((resolve) => (wake = resolve));
    else await stream.write(new TextEncoder().encode(lineOf(++sent)));
  }
}

async function listen(stream) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      if (text.slice(0, end + 1) !== lineOf(heard + 1)) say("wrong");
      else say("heard", { number: ++heard });
      text = text.slice(end + 1);
    }
  }
}

async function talk(client, mine) {
  const stream = await client.openStream("echo");
  await Promise.all([send(stream, mine), listen(stream)]);
}

const manager = createReconnectManager();
let isEnding = false;
let wasConnected = false;
manager.subscribe(({ status, client, error }) => {
  if (isEnding) return;
  const before = wasConnected;
  wasConnected = status === "connected";
  if (before) generation++;
  wake();
  if (status === "connected") {
    say("connected");
    talk(client, generation).catch(() => {}); // the manager tells of the loss
  } else if (status === "error") say("gave_up", errorOf(error));
  else if (error !== undefined) say(before ? "lost" : "failed", errorOf(error));
});

const commands = {
  artifact: (file) => {
    artifacts.push(file);
    artifactCame();
  },
  say: (count) => {
    said += Number(count);
    wake();
  },
};
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [word, rest] = line.split(" ");
    if (word in commands) return commands[word](rest);
    end();
  })
  .on("close", end);

function end() {
  if (isEnding) return;
  isEnding = true;
  manager.disconnect();
  say("ended");
  process.stdin.destroy();
}

const connect = {
  origin, wsFactory: createNodeWsFactory({ ca: readFileSync(ca, "utf8") }),
  ...(Number(interval) > 0 && { liveness: { intervalMs: Number(interval), timeoutMs: Number(timeout) } }),
};
const source = { kind: "refreshable", acquire };
await manager.connect(createNodeReconnectConfig({ source, connect, autoReconnect: { enabled: true, maxAttempts: Number(maxAttempts) } })).catch(() => {});
