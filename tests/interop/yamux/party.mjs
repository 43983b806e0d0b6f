// A program that is driven by lines, and the link between two of them, which sees every frame.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** A program; `ask` gives what it answers to a line, `begin` does not wait for it. */
export class Party {
  constructor(file, ...args) {
    this.child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    running.add(this.child);
    this.waiting = new Map();
    this.asked = 0;
    let said = "";
    this.child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
    this.child.stdin.on("error", () => {});
    this.child.on("close", (code) => {
      running.delete(this.child);
      for (const { reject } of this.waiting.values()) reject(new Error(`${file} ended with ${code}: ${said.trim().slice(0, 600)}`));
      this.waiting.clear();
    });
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const [number] = line.split(" ", 1);
      this.waiting.get(number)?.resolve(line.slice(number.length + 1));
      this.waiting.delete(number);
    });
  }

  ask(line) {
    const number = String(++this.asked);
    const answer = new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
    answer.catch(() => {}); // of those that nobody waits for any more
    this.child.stdin.write(`${number} ${line}\n`);
    return answer;
  }

  /** What is asked, and what has come of it so far. */
  begin(line) {
    const begun = { answer: this.ask(line), so_far: "waits" };
    begun.answer.then((text) => (begun.so_far = text), () => {});
    return begun;
  }

  async stop() {
    this.child.stdin.end();
    if (this.child.exitCode === null) await once(this.child, "close");
    return this.child.exitCode;
  }
}

export const DATA = 0, WINDOW = 1, PING = 2, GO_AWAY = 3;
export const SYN = 1, ACK = 2, FIN = 4, RST = 8;

/** Finds the headers in one direction. */
class Tap {
  headers = [];
  #part = Buffer.alloc(0);
  #body = 0;

  take(chunk) {
    let bytes = Buffer.concat([this.#part, chunk]);
    while (bytes.length > 0) {
      const body = Math.min(this.#body, bytes.length);
      this.#body -= body;
      bytes = bytes.subarray(body);
      if (bytes.length < 12) break;
      const header = { type: bytes[1], flags: bytes.readUInt16BE(2), id: bytes.readUInt32BE(4), length: bytes.readUInt32BE(8) };
      this.headers.push(header);
      if (header.type === DATA) this.#body = header.length;
      bytes = bytes.subarray(12);
    }
    this.#part = Buffer.from(bytes);
  }

  count(wanted) {
    return this.headers.filter(wanted).length;
  }

  get dataBytes() {
    return this.headers.reduce((sum, { type, length }) => (type === DATA ? sum + length : sum), 0);
  }
}

/** A port that joins the first two connections to it. */
export class Link {
  static async make() {
    const link = new Link();
    link.server = createServer((socket) => link.#join(socket)).listen(0, "127.0.0.1");
    await once(link.server, "listening");
    link.port = link.server.address().port;
    return link;
  }

  /** What the first and the second have sent. */
  taps = [new Tap(), new Tap()];
  #sockets = [];
  #watchers = new Set();

  #join(socket) {
    const at = this.#sockets.push(socket) - 1;
    socket.on("error", () => {});
    if (at === 0) return;
    for (const from of [0, 1]) {
      const to = this.#sockets[1 - from];
      this.#sockets[from].on("data", (chunk) => {
        this.taps[from].take(chunk);
        if (!to.write(chunk)) {
          this.#sockets[from].pause();
          to.once("drain", () => this.#sockets[from].resume());
        }
        for (const look of this.#watchers) look();
      }).on("end", () => to.end()).on("close", () => to.destroy());
    }
  }

  /** Waits until `holds` does. */
  until(holds) {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  close() {
    this.#sockets.forEach((socket) => socket.destroy());
    this.server.close();
  }
}

const window = 262_144;

/** What one side sent that the protocol forbids, given what the other side sent until the end. PROTOCOL, "Yamux". */
export function faultsOf(sent, received) {
  const faults = new Set();
  const streams = new Map();
  const creditOf = (id) => received.filter((header) => header.id === id && header.type === WINDOW && !(header.flags & RST)).reduce((sum, { length }) => sum + length, 0);
  for (const { type, flags, id, length } of sent) {
    if (type === GO_AWAY) faults.add("a go away");
    if (type > WINDOW) continue;
    const stream = streams.get(id) ?? { syn: 0, ack: 0, data: 0, granted: 0 };
    streams.set(id, stream);
    if (stream.reset || (stream.fin && type === DATA)) faults.add(`a frame of ${id} behind its end`);
    if (flags & SYN) stream.syn++;
    if (flags & ACK) stream.ack++;
    if (type === WINDOW && flags !== 0 && length !== 0) faults.add(`a length of ${length} with flags ${flags}`);
    if (type === WINDOW) stream.granted += length;
    if (type === DATA) stream.data += length;
    if (type === DATA && length > 65_536) faults.add(`a body of ${length}`);
    stream.fin ||= (flags & FIN) !== 0;
    stream.reset = (flags & RST) !== 0;
  }
  for (const [id, stream] of streams) {
    if (stream.syn + stream.ack > 1) faults.add(`${stream.syn} SYN and ${stream.ack} ACK of ${id}`);
    if (stream.data > window + creditOf(id)) faults.add(`${stream.data} bytes of ${id} without credit`);
    const got = received.filter((header) => header.id === id && header.type === DATA).reduce((sum, { length }) => sum + length, 0);
    if (stream.granted > got) faults.add(`credit for more than came on ${id}`);
  }
  return [...faults];
}
