// One TCP connection of a hostile peer: bytes and WebSocket frames out, whole frames in, and how it ended.
import { once } from "node:events";
import { connect } from "node:net";
import { acceptKey, fresh, takeWsFrame, wsFrame } from "./wire.mjs";

/** For what must come: a peer that says nothing for so long hangs. Shorter where cases are written. */
export const patienceMs = Number(process.env.FLOWERSEC_ADVERSARY_PATIENCE_MS ?? 30_000);

/** A peer that takes nothing for so long has stopped to read what we say. */
const deafMs = 200;

/** Rejects when `what` takes longer than a peer may take. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no ${what} in ${patienceMs / 1000} s`)), patienceMs)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Connections to a listener, none of which is missed. */
export function arrivals(listener) {
  const come = [];
  let waiting;
  listener.on("connection", (socket) => {
    if (waiting === undefined) come.push(socket);
    else waiting(socket);
    waiting = undefined;
  });
  return {
    /** The next one. */
    connection: () => (come.length > 0 ? Promise.resolve(come.shift()) : new Promise((resolve) => (waiting = resolve))),
    /** How many nobody has taken. */
    untaken: () => come.length,
    /** None is waited for, and those that nobody took are gone. */
    forget() {
      waiting = undefined;
      for (const socket of come.splice(0)) socket.destroy();
    },
  };
}

export class Connection {
  #bytes = Buffer.alloc(0);
  #waiting = () => {};
  #over = false;
  /** Whether it may be silent for as long as it likes. */
  isPatient = false;

  /** `masked`: this side is the WebSocket client. */
  constructor(socket, masked) {
    this.socket = socket;
    this.masked = masked;
    const changed = () => this.#waiting();
    socket.setNoDelay(true);
    socket.on("error", () => {}); // the other side may be gone while we speak
    socket.on("data", (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      changed();
    });
    for (const end of ["end", "close"]) {
      socket.on(end, () => {
        this.#over = true;
        changed();
      });
    }
  }

  static async dial(url) {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    await within(once(socket, "connect"), "connection");
    return new Connection(socket, true);
  }

  /** What is said before anything can be heard leaves together. */
  send(bytes) {
    const { socket } = this;
    if (socket.writableEnded) return;
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    socket.write(bytes);
  }
  sendWs(frame) {
    this.send(wsFrame({ masked: this.masked, ...frame }));
  }
  /** Waits until all that was said has left, or until nobody takes it any more. */
  async drained() {
    // Two looks in a row: a machine that stood still would pass for a deaf peer at the first.
    for (let deaf = 0; this.socket.writableLength > 0 && deaf < 2; ) {
      const before = this.socket.writableLength;
      await new Promise((resolve) => setTimeout(resolve, deafMs));
      deaf = this.socket.writableLength < before ? 0 : deaf + 1;
    }
  }
  /** Ends our half. */
  finish() {
    this.socket.end();
  }
  drop() {
    this.socket.uncork();
    this.socket.destroy();
  }

  /** `take(bytes)` until it gives something; undefined when the connection ended before. */
  async #next(take, what) {
    for (;;) {
      const got = take(this.#bytes);
      if (got !== undefined) {
        this.#bytes = this.#bytes.subarray(got.taken);
        return got.frame;
      }
      if (this.#over) return undefined;
      const something = new Promise((resolve) => (this.#waiting = resolve));
      await (this.isPatient ? something : within(something, what));
    }
  }

  /** Head of an HTTP message, as text. */
  head() {
    return this.#next((bytes) => {
      const end = bytes.indexOf("\r\n\r\n");
      return end < 0 ? undefined : { frame: bytes.toString("latin1", 0, end), taken: end + 4 };
    }, "HTTP head");
  }

  /** Bytes that came and make no whole frame. */
  get unread() {
    return this.#bytes.length;
  }

  /** The next frame that is no ping; pings are answered. */
  async frame() {
    for (;;) {
      const frame = await this.#next(takeWsFrame, "WebSocket frame");
      if (frame?.op !== 9) return frame;
      this.sendWs({ op: 10, payload: frame.payload });
    }
  }

  /** The next binary message; pongs are passed over. Throws when the connection ended instead. */
  async message() {
    let frame = await this.frame();
    while (frame?.op === 10) frame = await this.frame();
    if (frame?.op === 2 && frame.fin) return frame.payload;
    if (frame?.op === 8) this.closedWith = frame.payload;
    throw new Error(frame === undefined ? "the connection ended" : `frame with opcode ${frame.op} ${frame.payload.toString("hex")}`);
  }

  /** How it ended: the code and reason of the close frame, which is answered, or "tcp" without one. Messages before it are passed over, but for `onFrame`, which is told of each frame. */
  async end(onFrame = () => {}) {
    for (;;) {
      const frame = this.closedWith === undefined ? await this.frame() : { op: 8, payload: this.closedWith };
      if (frame === undefined) return "tcp";
      if (frame.op !== 8) {
        onFrame(frame);
        continue;
      }
      this.sendWs(frame.payload.length === 1 ? { op: 8 } : { op: 8, payload: frame.payload });
      this.finish();
      if (frame.payload.length < 2) return "no code";
      const reason = frame.payload.toString("utf8", 2);
      return `${frame.payload.readUInt16BE(0)}${reason === "" ? "" : ` ${reason}`}`;
    }
  }

  /** Asks for an upgrade; `lines` take the place of the header of the same name, or leave it out with "". Resolves to the answer's head. */
  async upgrade(url, { target = new URL(url).pathname, method = "GET", version = "HTTP/1.1", headers = {} } = {}) {
    const usual = {
      Host: new URL(url).host, Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": fresh(16).toString("base64"), Origin: "http://127.0.0.1",
    };
    const lines = Object.entries({ ...usual, ...headers }).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).filter((each) => each !== "").map((each) => `${name}: ${each}`));
    this.send(`${method} ${target} ${version}\r\n${lines.join("\r\n")}\r\n\r\n`);
    return this.head();
  }

  /** The other side of it. `lines` as above. */
  async acceptUpgrade({ status = "101 Switching Protocols", headers = {} } = {}) {
    const asked = await this.head();
    if (asked === undefined) throw new Error("no upgrade was asked for");
    const [, key] = /\r\nsec-websocket-key: *([^\r]*)/i.exec(asked) ?? [];
    const usual = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": acceptKey(key ?? "") };
    const lines = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}`);
    this.send(`HTTP/1.1 ${status}\r\n${lines.join("\r\n")}\r\n\r\n`);
    return asked;
  }
}
