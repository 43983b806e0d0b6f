// This project's multiplexer in TypeScript, driven by the lines that yamux-peer knows (README.md).
//
//   node peer.mjs <folder whose node_modules has the packed flowersec>
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.argv[2], "at.js"));
const { YamuxSession } = await import(pathToFileURL(require.resolve("flowersec/yamux")));

/** A TCP connection as the channel of a session. */
class SocketChannel {
  constructor(socket) {
    this.socket = socket;
    this.isStalled = false;
    socket.on("error", () => {});
    this.chunks = socket.iterator({ destroyOnReturn: false });
  }
  async read() {
    if (this.isStalled) return new Promise(() => {});
    const { value, done } = await this.chunks.next();
    if (done) throw new Error("the connection ended");
    return this.isStalled ? new Promise(() => {}) : new Uint8Array(value);
  }
  async write(bytes) {
    if (!this.socket.write(bytes)) await Promise.race([once(this.socket, "drain"), once(this.socket, "close")]);
    if (this.socket.destroyed) throw new Error("the connection is gone");
  }
  close() {
    this.socket.end();
  }
}

const limitNames = {
  active: "maxActiveStreams", inbound: "maxInboundStreams", frame: "maxFrameBytes", outbound_frame: "preferredOutboundFrameBytes",
  write_queue: "maxStreamWriteQueueBytes",
};

let session;
let channel;
let streams; // name -> { stream, readAt, writeAt }
let arrived;
let accepting;
let isServing;

const say = (number, text) => process.stdout.write(`${number} ${text}\n`);
const refuse = (number, error) => say(number, `error ${error.code ?? error.stack}`);
const pattern = (id, at) => (at * 31 + (at >>> 8) * 7 + id * 13) & 255;

async function start(number, role, words) {
  channel?.socket.destroy();
  streams = new Map();
  arrived = [];
  accepting = [];
  isServing = false;
  const given = Object.fromEntries(words.map((word) => word.split("=")).map(([name, value]) => [name, Number(value)]));
  const limits = Object.fromEntries(Object.entries(limitNames).filter(([name]) => name in given).map(([name, full]) => [full, given[name]]));
  const socket = connect(given.to, "127.0.0.1");
  await once(socket, "connect");
  channel = new SocketChannel(socket);
  let tellEnd;
  const whenEnded = new Promise((resolve) => (tellEnd = resolve));
  session = new YamuxSession(channel, {
    client: role === "client",
    limits,
    onIncomingStream: (stream) => {
      arrived.push(stream);
      handOut();
    },
    onTerminal: (error) => tellEnd(error.code),
  });
  Object.assign(session, { whenEnded, tellEnd });
  say(number, "ok");
}

function handOut() {
  while (arrived.length > 0 && (isServing || accepting.length > 0)) {
    const stream = arrived.shift();
    if (isServing) echo(stream).catch(() => {});
    else accepting.shift()(stream);
  }
}

function named(number, name, stream) {
  streams.set(name, { stream, readAt: 0, writeAt: 0 });
  say(number, `id ${stream.id}`);
}

async function echo(stream) {
  let total = 0;
  for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) {
    total += chunk.length;
    await stream.write(chunk);
  }
  await stream.close();
  return total;
}

async function read(number, it, most) {
  let left = most === "all" ? Infinity : Number(most);
  let total = 0;
  while (left > 0) {
    const chunk = await it.stream.read(left === Infinity ? {} : { maxBytes: left });
    if (chunk === null) return say(number, `end ${total}`);
    for (let i = 0; i < chunk.length; i++, it.readAt++) {
      if (chunk[i] !== pattern(it.stream.id, it.readAt)) return say(number, `differs ${it.readAt}`);
    }
    left -= chunk.length;
    total += chunk.length;
  }
  say(number, "ok");
}

async function obey(number, [verb, name, ...rest]) {
  const it = streams?.get(name);
  switch (verb) {
    case "session":
      return start(number, name, rest);
    case "open":
      return named(number, name, await session.openStream());
    case "accept":
      accepting.push((stream) => named(number, name, stream));
      return handOut();
    case "serve":
      isServing = true;
      say(number, "ok");
      return handOut();
    case "write": {
      const bytes = new Uint8Array(Number(rest[0]));
      for (let i = 0; i < bytes.length; i++) bytes[i] = pattern(it.stream.id, it.writeAt++);
      await it.stream.write(bytes);
      return say(number, "ok");
    }
    case "read":
      return read(number, it, rest[0]);
    case "echo":
      return say(number, `end ${await echo(it.stream)}`);
    case "close":
      await it.stream.close();
      return say(number, "ok");
    case "reset":
      it.stream.reset();
      return say(number, "ok");
    case "ping":
      await session.probeLiveness();
      return say(number, "ok");
    case "streams":
      return say(number, `count ${session.activeStreams}`);
    case "unread":
      return say(number, `count ${session.unreadBytes}`);
    case "stall":
      channel.isStalled = true;
      return say(number, "ok");
    case "ended":
      return say(number, `why ${await session.whenEnded}`);
    case "finish":
      session.close();
      session.tellEnd("closed");
      return say(number, "ok");
    default:
      say(number, `unknown ${verb}`);
      process.exit(2);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [number, ...words] = line.split(" ");
  const done = obey(number, words).catch((error) => refuse(number, error));
  if (words[0] === "session") await done;
}
process.exit(0);
