// Streams for RPC tests: one whose other end is the test, and a pair that joins a client and a server.
import { type Deferred, deferred } from "../base/abort.js";
import { ByteQueue } from "../base/byte_queue.js";
import { concat, fromUtf8, readU32, utf8, writeU32 } from "../base/bytes.js";

/** A frame of any text. */
export function frameOf(value: unknown): Uint8Array {
  const body = value instanceof Uint8Array ? value : utf8(typeof value === "string" ? value : JSON.stringify(value));
  const header = new Uint8Array(4);
  writeU32(header, 0, body.length);
  return concat(header, body);
}

/** Texts of whole frames. */
export function textsOfFrames(bytes: Uint8Array): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = readU32(bytes, at);
    texts.push(fromUtf8(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return texts;
}

/** A stream whose other end is the test. Writes settle at once, or when the test says so. */
export class ScriptedStream {
  private readonly queue = new ByteQueue();
  private readers: (Deferred<Uint8Array> & { n: number })[] = [];
  private failure: Error | undefined;
  private held: Deferred<void>[] = [];
  readonly written: Uint8Array[] = [];
  readonly closes: unknown[] = [];
  isHolding = false;

  readonly readExactly = (n: number): Promise<Uint8Array> => {
    const reader = { ...deferred<Uint8Array>(), n };
    this.readers.push(reader);
    this.turn();
    return reader.promise;
  };

  readonly write = (bytes: Uint8Array): Promise<void> | void => {
    this.written.push(bytes);
    if (!this.isHolding) return;
    const settled = deferred<void>();
    this.held.push(settled);
    return settled.promise;
  };

  readonly close = (error?: unknown): void => {
    this.closes.push(error);
    this.end(new Error("closed"));
  };

  /** The peer sends frames: of values, or of texts. */
  arrive(...values: unknown[]): void {
    this.arriveBytes(concat(...values.map(frameOf)));
  }

  arriveBytes(bytes: Uint8Array): void {
    this.queue.push(bytes);
    this.turn();
  }

  end(error: Error): void {
    this.failure ??= error;
    this.turn();
  }

  release(error?: Error): void {
    for (const each of this.held.splice(0)) error === undefined ? each.resolve() : each.reject(error);
  }

  /** Envelopes written since last asked. */
  sent(): { type_id: number; request_id: number; response_to: number; payload: unknown; error?: { code: number; message?: string } }[] {
    return textsOfFrames(concat(...this.written.splice(0))).map((text) => JSON.parse(text));
  }

  private turn(): void {
    for (let reader = this.readers[0]; reader !== undefined; reader = this.readers[0]) {
      if (this.queue.length >= reader.n) reader.resolve(this.queue.take(reader.n));
      else if (this.failure !== undefined) reader.reject(this.failure);
      else return;
      this.readers.shift();
    }
  }
}

/** Two streams, each the other's end. */
export function streamPair(): [ScriptedStream, ScriptedStream] {
  const [here, there] = [new ScriptedStream(), new ScriptedStream()];
  const join = (from: ScriptedStream, to: ScriptedStream) =>
    Object.assign(from, {
      write: (bytes: Uint8Array) => to.arriveBytes(bytes),
      close: (error?: unknown) => {
        from.closes.push(error);
        from.end(new Error("closed"));
        to.end(new Error("closed by the peer"));
      },
    });
  return [join(here, there), join(there, here)];
}
