// Two ends of a message pipe in memory, with a tap on what passes and faults on demand.
import { deferred, throwIfAborted, withDeadline, type BinaryTransport, type Deferred } from "../base/index.js";

export class PipeClosedError extends Error {
  override readonly name = "PipeClosedError";
}

/** One end. Messages are copied, as a network would. */
export class MemoryTransport implements BinaryTransport {
  peer!: MemoryTransport;
  /** Every message written at this end. */
  readonly written: Uint8Array[] = [];
  /** Changes, drops (undefined) or keeps each message on its way out. */
  tamper: (frame: Uint8Array, index: number) => Uint8Array | undefined = (frame) => frame;
  /** Writes settle only when released while this is set. */
  isStalled = false;
  /** Rejects this and later writes. */
  writeFailure: Error | undefined;
  closes = 0;
  /** Settles when either end closed. */
  readonly closed: Promise<void>;
  private onClosed!: () => void;
  private readonly inbox: Uint8Array[] = [];
  private readonly readers: Deferred<Uint8Array>[] = [];
  private readonly stalled: Deferred<void>[] = [];
  private error: Error | undefined;

  constructor() {
    this.closed = new Promise((resolve) => (this.onClosed = resolve));
  }

  static pair(): [MemoryTransport, MemoryTransport] {
    const [a, b] = [new MemoryTransport(), new MemoryTransport()];
    a.peer = b;
    b.peer = a;
    return [a, b];
  }

  /** Readers that wait. */
  get waiting(): number {
    return this.readers.length;
  }

  async readBinary(options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal);
    const message = this.inbox.shift();
    if (message !== undefined) return message;
    if (this.error !== undefined) throw this.error;
    const reader = deferred<Uint8Array>();
    this.readers.push(reader);
    return withDeadline(reader.promise, options, () => void this.readers.splice(this.readers.indexOf(reader), 1));
  }

  writeBinary(frame: Uint8Array): Promise<void> {
    if (this.writeFailure !== undefined) return Promise.reject(this.writeFailure);
    if (this.error !== undefined) return Promise.reject(this.error);
    const index = this.written.push(Uint8Array.from(frame)) - 1;
    const sent = this.tamper(Uint8Array.from(frame), index);
    if (sent !== undefined) this.peer.arrive(sent);
    if (!this.isStalled) return Promise.resolve();
    const write = deferred<void>();
    this.stalled.push(write);
    return write.promise;
  }

  /** Lets the writes that wait go on. */
  release(): void {
    this.isStalled = false;
    for (const write of this.stalled.splice(0)) write.resolve();
  }

  /** A message as if from the peer. */
  arrive(message: Uint8Array): void {
    const reader = this.readers.shift();
    if (reader === undefined) this.inbox.push(message);
    else reader.resolve(message);
  }

  close(): void {
    this.closes++;
    this.fail(new PipeClosedError("closed here"));
    this.peer.fail(new PipeClosedError("closed by the peer"));
  }

  private fail(error: Error): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.onClosed();
    for (const reader of this.readers.splice(0)) reader.reject(error);
    for (const write of this.stalled.splice(0)) write.reject(error);
  }
}
