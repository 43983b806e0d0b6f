/// <reference lib="esnext.disposable" preserve="true" />
// One byte stream of a session, as an application sees it.
// Layer yamux. Source: PROTOCOL, "Yamux".

import { asyncDispose, type Clock, deferred, type Deferred, remove, throwIfAborted, withAbort } from "../base/index.js";
import type { YamuxCore } from "./core.js";
import { YamuxError, YamuxStreamResetError } from "./errors.js";
import type { QueuedWrite, StreamState } from "./stream_state.js";

/** Writes from this size on are sent at once. Smaller ones are gathered until the end of the turn. */
const eagerWriteBytes = 16_384;

/** How long a stream that its owner let go may take to end in order. */
export const lingerMs = 10_000;

/** What a stream needs of its session. */
export interface StreamHost {
  readonly core: YamuxCore;
  readonly clock: Clock;
  /** Sends what is due, now or at the end of the turn. */
  pump(): void;
  schedule(): void;
  /** Why the session ended, with its cause. */
  readonly error: YamuxError | undefined;
}

/** Gives a wait up: rejects with AbortError, whose cause is the signal's reason. */
export interface AbortOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ReadOptions extends AbortOptions {
  /** At least 1. What is beyond stays in the stream. */
  readonly maxBytes?: number | undefined;
}

interface Reader extends Deferred<Uint8Array | null> {
  readonly maxBytes: number | undefined;
}
interface Writer extends Deferred<void> {
  /** What is left of it lies in memory of its own. */
  readonly write: QueuedWrite;
}

/** Most bytes of one, and most of them. */
const mostSpareBytes = 65_536;
const mostSpares = 16;
/** Memory of copies that have left, for the next ones: it is warm already, and nothing is left to be collected. */
const spares: ArrayBufferLike[] = [];

/**
 * A stream in both directions. Reads and writes are done in the order they were asked for. After its end by RST, or the
 * end of its session, all of them reject with YamuxStreamResetError; when the other side ended the session, reads give
 * first what had arrived, and a stream that it had closed ends as it would have.
 */
export class YamuxStream implements AsyncIterable<Uint8Array, undefined>, AsyncDisposable {
  private readers: Reader[] = [];
  private writers: Writer[] = [];
  private closers: Deferred<void>[] = [];
  private cause: unknown;
  private ownReadable: ReadableStream<Uint8Array> | undefined;
  private ownWritable: WritableStream<Uint8Array> | undefined;
  private stopLingering: (() => void) | undefined;

  /** Made by YamuxSession only. */
  constructor(
    private readonly host: StreamHost,
    private readonly state: StreamState,
  ) {
    state.owner = this;
  }

  /** The number of the stream within its session, for logs. */
  get id(): number {
    return this.state.id;
  }

  /**
   * What arrived, at least one byte, as soon as there is some; null when the peer has closed its half and everything was
   * read. The bytes are the caller's. Reading is what lets the peer send more.
   */
  async read(options: ReadOptions = {}): Promise<Uint8Array | null> {
    const { signal, maxBytes } = options;
    throwIfAborted(signal);
    if (maxBytes !== undefined && !(maxBytes >= 1)) throw new RangeError("maxBytes must be at least 1");
    const chunk = this.readers.length > 0 ? undefined : this.take(maxBytes);
    if (chunk !== undefined) return chunk;
    this.throwIfFailed();
    const reader = { ...deferred<Uint8Array | null>(), maxBytes };
    this.readers.push(reader);
    return wait(reader.promise, signal, () => remove(this.readers, reader));
  }

  /**
   * Writes all bytes. Settles when they are on their way; a peer that does not read makes it wait. The bytes may change
   * as soon as the call has returned its promise.
   * Errors: YamuxResourceExhaustedError, nothing was sent and the stream lives; YamuxError write_closed after close().
   * Aborting a write of which nothing was sent yet leaves the stream alive; otherwise it resets the stream.
   */
  async write(bytes: Uint8Array, options: AbortOptions = {}): Promise<void> {
    const { host, state } = this;
    throwIfAborted(options.signal);
    if (!ArrayBuffer.isView(bytes)) throw new TypeError("write takes a Uint8Array");
    this.throwIfFailed();
    if (state.finWanted) throw new YamuxError("write_closed");
    if (bytes.length === 0) return;
    const write = host.core.write(state, bytes);
    if (bytes.length < eagerWriteBytes) host.schedule();
    else host.pump();
    if (write.done) return;
    const { length } = write.left;
    const spare = spares.pop();
    const copy = new Uint8Array(spare && spare.byteLength >= length ? spare : new ArrayBuffer(length), 0, length);
    copy.set(write.left); // slice() of a Buffer would share the bytes
    write.left = copy;
    const writer = { ...deferred<void>(), write };
    this.writers.push(writer);
    return wait(writer.promise, options.signal, (error) => {
      remove(this.writers, writer);
      this.cause ??= error;
      host.core.cancelWrite(state, write);
      host.schedule();
    });
  }

  /**
   * Closes the sending half behind what was written: the peer reads that, then the end. Reading goes on. Settles when the
   * peer is being told; harmless the second time. Aborting gives up the waiting only.
   */
  async close(options: AbortOptions = {}): Promise<void> {
    throwIfAborted(options.signal);
    const { host, state } = this;
    if (state.finSent) return;
    this.throwIfFailed();
    host.core.closeWrite(state);
    host.schedule();
    const closer = deferred<void>();
    this.closers.push(closer);
    return wait(closer.promise, options.signal, () => remove(this.closers, closer));
  }

  /**
   * Ends both halves at once: what is unread and unsent is dropped, here and there, and the peer is told. Waiting calls
   * reject with YamuxStreamResetError, whose cause is `error`. Without effect after the end of the stream.
   */
  reset(error?: unknown): void {
    if (!this.state.isOpen) return;
    this.cause ??= error;
    this.host.core.reset(this.state);
    this.host.schedule();
    this.update();
  }

  /** The receiving half as a WHATWG stream, always the same one. Nothing is read ahead. Cancelling resets the stream. */
  get readable(): ReadableStream<Uint8Array> {
    return (this.ownReadable ??= new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = await this.read();
          if (chunk === null) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: (reason) => this.stopReading(reason),
      },
      { highWaterMark: 0 },
    ));
  }

  /** The sending half as a WHATWG stream, always the same one. Closing it is close(), aborting it is reset(). */
  get writable(): WritableStream<Uint8Array> {
    return (this.ownWritable ??= new WritableStream<Uint8Array>(
      { write: (bytes) => this.write(bytes), close: () => this.close(), abort: (reason) => this.reset(reason) },
      { highWaterMark: eagerWriteBytes, size: (bytes) => bytes.length },
    ));
  }

  /** What read() gives, until the end of the stream. Leaving the loop early resets the stream, unless the peer is done. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    try {
      for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) yield chunk;
      return undefined;
    } finally {
      this.stopReading();
    }
  }

  /**
   * Lets go of the stream. One that was closed here, or that the peer has closed, ends in order: what was written still
   * arrives, what is unread is dropped, and a peer that goes on sending, or takes longer than 10 s, is reset. Any other
   * stream is reset.
   */
  async [asyncDispose](): Promise<void> {
    const { state, host } = this;
    if (!state.isOpen) return;
    if (!state.finWanted && !state.finReceived) return this.reset();
    host.core.discard(state);
    if (state.isOpen) this.stopLingering = host.clock.after(lingerMs, () => this.reset());
    await this.close().catch(() => {}); // whoever reset it meanwhile has ended it too
  }

  /** Looks at what changed. Called by the session only. */
  update(): void {
    const { state } = this;
    while (this.writers[0]?.write.done) {
      const { write, resolve } = this.writers.shift() as Writer;
      resolve();
      const { buffer } = write.left;
      if (buffer.byteLength <= mostSpareBytes && spares.length < mostSpares) spares.push(buffer);
    }
    if (state.finSent) for (const closer of this.closers.splice(0)) closer.resolve();
    for (let reader = this.readers[0]; reader; reader = this.readers[0]) {
      const chunk = this.take(reader.maxBytes);
      if (chunk === undefined) break;
      this.readers.shift();
      reader.resolve(chunk);
    }
    if (state.isOpen) return;
    this.stopLingering?.();
    if (state.phase !== "failed") return;
    const waiting = [...this.readers.splice(0), ...this.writers.splice(0), ...this.closers.splice(0)];
    for (const each of waiting) each.reject(this.failure());
  }

  private take(maxBytes: number | undefined): Uint8Array | null | undefined {
    const chunk = this.host.core.read(this.state, maxBytes, this.host.clock.monoMs());
    if (this.state.creditDue) this.host.schedule();
    return chunk;
  }

  private stopReading(reason?: unknown): void {
    if (this.state.finReceived) this.host.core.discard(this.state);
    else this.reset(reason);
  }

  private failure(): YamuxStreamResetError {
    const cause = this.cause ?? this.host.error;
    return new YamuxStreamResetError(this.state.why, cause === undefined ? undefined : { cause });
  }

  private throwIfFailed(): void {
    if (this.state.phase === "failed") throw this.failure();
  }
}

function wait<T>(work: Promise<T>, signal: AbortSignal | undefined, onAborted: (error: Error) => void): Promise<T> {
  return signal === undefined ? work : withAbort(work, signal, () => onAborted(signal.reason as Error));
}
