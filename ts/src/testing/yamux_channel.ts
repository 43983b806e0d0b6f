// Channels for yamux sessions: a pair that joins two of them, and one whose other end a test plays by hand.
import { concat } from "../base/bytes.js";
import { type Deferred, deferred } from "../base/abort.js";
import type { YamuxChannel } from "../yamux/session.js";
import { textsOf } from "./yamux_wire.js";

/** One direction: bytes that a writer put in, for one reader. */
class Pipe {
  private readonly chunks: Uint8Array[] = [];
  private reader: Deferred<Uint8Array> | undefined;
  private writer: Deferred<void> | undefined;
  private ended: Error | undefined;
  length = 0;
  most = 0;

  constructor(
    private readonly capacity: number,
    private readonly pieceBytes: number,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.ended !== undefined) throw this.ended;
      const room = Math.min(this.capacity - this.length, this.pieceBytes);
      if (room === 0) {
        this.writer = deferred<void>();
        await this.writer.promise;
        continue;
      }
      const piece = bytes.slice(at, at + room);
      at += piece.length;
      this.chunks.push(piece);
      this.length += piece.length;
      this.most = Math.max(this.most, this.length);
      this.turn();
    }
  }

  read(): Promise<Uint8Array> {
    this.reader = deferred<Uint8Array>();
    const { promise } = this.reader;
    this.turn();
    return promise;
  }

  end(error: Error): void {
    this.ended ??= error;
    this.writer?.resolve();
    this.turn();
  }

  private turn(): void {
    if (this.reader === undefined) return;
    const chunk = this.chunks.shift();
    if (chunk !== undefined) {
      this.length -= chunk.length;
      this.reader.resolve(chunk);
      this.writer?.resolve();
    } else if (this.ended !== undefined) this.reader.reject(this.ended);
    else return;
    this.reader = undefined;
  }
}

export interface TestChannel extends YamuxChannel {
  /** Most bytes that ever waited for the other end. */
  readonly mostWaiting: number;
}

/** Two channels, each the other's end. A write waits while `capacity` bytes are under way; reads give at most `pieceBytes`. */
export function channelPair(capacity = Infinity, pieceBytes = Infinity): [TestChannel, TestChannel] {
  const there = new Pipe(capacity, pieceBytes);
  const back = new Pipe(capacity, pieceBytes);
  const close = () => {
    there.end(new Error("the channel is closed"));
    back.end(new Error("the channel is closed"));
  };
  const side = (out: Pipe, into: Pipe): TestChannel => ({
    read: () => into.read(),
    // One behind the other, as a secure channel does.
    write: inTurn((bytes) => out.write(bytes)),
    close,
    get mostWaiting() {
      return out.most;
    },
  });
  return [side(there, back), side(back, there)];
}

function inTurn(write: (bytes: Uint8Array) => Promise<void>): (bytes: Uint8Array) => Promise<void> {
  let last = Promise.resolve();
  return (bytes) => (last = last.then(() => write(bytes)));
}

/** A channel whose other end is the test. Writes settle when the test says so, or at once. */
export class ScriptedChannel implements YamuxChannel {
  readonly written: Uint8Array[] = [];
  private readonly arrived: Uint8Array[] = [];
  private reader: Deferred<Uint8Array> | undefined;
  private failure: Error | undefined;
  private held: Deferred<void>[] = [];
  closed = 0;
  /** Writes wait for release(). */
  isHolding = false;

  read(): Promise<Uint8Array> {
    this.reader = deferred<Uint8Array>();
    const { promise } = this.reader;
    this.turn();
    return promise;
  }

  write(bytes: Uint8Array): Promise<void> | void {
    this.written.push(bytes);
    if (!this.isHolding) return;
    const settled = deferred<void>();
    this.held.push(settled);
    return settled.promise;
  }

  close(): void {
    this.closed++;
    this.fail(new Error("closed"));
  }

  /** The peer sends. */
  arrive(...frames: Uint8Array[]): void {
    this.arrived.push(concat(...frames));
    this.turn();
  }

  fail(error: Error): void {
    this.failure ??= error;
    this.turn();
  }

  /** Lets the writes that wait settle, or fail. */
  release(error?: Error): void {
    for (const each of this.held.splice(0)) error === undefined ? each.resolve() : each.reject(error);
  }

  /** Frames written since last asked. */
  sent(): string[] {
    return textsOf(concat(...this.written.splice(0)));
  }

  private turn(): void {
    const chunk = this.arrived[0];
    if (this.reader === undefined) return;
    if (chunk !== undefined) {
      this.arrived.shift();
      this.reader.resolve(chunk);
    } else if (this.failure !== undefined) this.reader.reject(this.failure);
    else return;
    this.reader = undefined;
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A signal whose listeners are counted. */
export class CountingSignal {
  private readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  listeners = 0;

  constructor() {
    const { signal } = this;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    const live = new Set<unknown>();
    signal.addEventListener = (type: string, listener: EventListenerOrEventListenerObject, options?: unknown) => {
      live.add(listener);
      this.listeners = live.size;
      add(type, listener, options as AddEventListenerOptions);
    };
    signal.removeEventListener = (type: string, listener: EventListenerOrEventListenerObject) => {
      live.delete(listener);
      this.listeners = live.size;
      remove(type, listener);
    };
    add("abort", () => {
      live.clear(); // they are all `once`
      this.listeners = 0;
    });
  }

  abort(reason?: unknown): void {
    this.controller.abort(reason);
  }
}
