// The sending half of a channel: admission, one queue, records in order.
// Layer record. Source: PROTOCOL, "Sending records" and "Record buffers".

import { concat, deferred, isPromise, lengthOf, type Awaitable, type BinaryTransport, type Deferred } from "../base/index.js";
import { RecordError } from "./error.js";
import { recordApp, type RecordKind } from "./frame.js";
import type { Sealer } from "./sealer.js";

/** Records sealed ahead of the one being written: where sealing is a round trip to another thread, and large writes. */
const sealAhead = 8;

/** Writes from this size on are sealed at once where that is possible, and their frames are worth keeping. */
const largeBytes = 16_384;
/** Most bytes of frames that are kept to be used again. */
const mostKeptBytes = 524_288;

/** A write or a control record on its way. */
interface Item {
  readonly kind: RecordKind;
  /** Those not sealed. */
  readonly parts: Uint8Array[];
  readonly bytes: number;
  readonly done: Deferred<void>;
}

/** A record numbered and being sealed, and the items of which it is the last part. */
interface Outgoing {
  readonly frame: Awaitable<Uint8Array>;
  readonly finishes: readonly Item[];
}

/** Seals and writes in the order of the calls. `onFailure` is told of the first failure and calls end(). */
export class Outbox {
  private readonly unfinished = new Set<Item>();
  private readonly queue: Item[] = []; // not wholly sealed
  private readonly sealed: Outgoing[] = [];
  private unfinishedBytes = 0;
  private isRunning = false;
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly transport: BinaryTransport,
    private readonly sealer: Sealer,
    private readonly limits: { outboundRecordChunkBytes: number; maxOutboundBufferedBytes: number },
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** See SecureChannel.write. The list is the outbox's. */
  write(parts: Uint8Array[]): Promise<void> {
    if (this.failure) return Promise.reject(this.failure.error);
    const bytes = lengthOf(parts);
    if (bytes > this.limits.maxOutboundBufferedBytes - this.unfinishedBytes) {
      return Promise.reject(new RecordError("outbound_overflow"));
    }
    if (bytes === 0) return Promise.resolve();
    this.unfinishedBytes += bytes;
    return this.enqueue({ kind: recordApp, parts, bytes, done: deferred() });
  }

  /** Queues a record without plaintext. */
  control(kind: RecordKind): Promise<void> {
    return this.failure ? Promise.reject(this.failure.error) : this.enqueue({ kind, parts: [], bytes: 0, done: deferred() });
  }

  /** Fails whatever is unfinished. Once is enough. */
  end(error: unknown): void {
    if (this.failure) return;
    this.failure = { error };
    this.queue.length = this.sealed.length = 0;
    for (const item of this.unfinished) this.finish(item, error);
  }

  private enqueue(item: Item): Promise<void> {
    this.queue.push(item);
    this.unfinished.add(item);
    // A large write is sealed where it lies; what waits for its turn is copied.
    try {
      if (item.bytes >= largeBytes) this.fill(true);
    } catch (error) {
      this.onFailure(error);
    }
    if (item.parts.length > 0) item.parts.splice(0, Infinity, concat(...item.parts));
    if (!this.isRunning) {
      this.isRunning = true;
      // Small writes of one turn leave as one record; no timer, so nothing waits for a write that may not come.
      queueMicrotask(() => void this.run());
    }
    return item.done.promise;
  }

  private async run(): Promise<void> {
    try {
      while (!this.failure) {
        const next = this.next();
        // No turn passes between an empty queue and the end of the run, or a write in between would be forgotten.
        const record = isPromise(next) ? await next : next;
        if (!record) break;
        const frame = isPromise(record.frame) ? await record.frame : record.frame;
        if (this.failure) break;
        const written = this.transport.writeBinary(frame);
        if (isPromise(written)) await written;
        // Memory that is warm already: large frames come one after the other.
        const { spares } = this.sealer;
        if (this.transport.copiesFrames && frame.length > largeBytes && spares.push(frame) * frame.length > mostKeptBytes) spares.shift();
        this.sealed.shift();
        for (const item of record.finishes) this.finish(item);
      }
    } catch (error) {
      this.onFailure(error);
    }
    this.isRunning = false;
  }

  /** Seals ahead as far as it helps. */
  private fill(isLarge = false): void {
    while (this.queue.length > 0 && !this.sealer.rekeyed && this.maySeal(isLarge)) {
      const record = this.seal();
      if (isPromise(record.frame)) record.frame.then(undefined, () => {}); // whoever awaits it learns of it
      this.sealed.push(record);
    }
  }

  /** The record that is due. */
  private next(): Awaitable<Outgoing | undefined> {
    this.fill();
    const due = this.sealed[0];
    if (due || this.queue.length === 0) return due;
    // The next record waits for its key.
    return (this.sealer.rekeyed as PromiseLike<void>).then(() => this.next());
  }

  private maySeal(isLarge: boolean): boolean {
    const [due] = this.sealed;
    return !due || ((isLarge || isPromise(due.frame)) && this.sealed.length < sealAhead);
  }

  /** One record: a control record, or as much of the writes at the front as it takes. */
  private seal(): Outgoing {
    const first = this.queue[0] as Item;
    if (first.kind !== recordApp) {
      this.queue.shift();
      return { frame: this.sealer.seal(first.kind), finishes: [first] };
    }
    const parts: Uint8Array[] = [];
    const finishes: Item[] = [];
    const most = this.limits.outboundRecordChunkBytes;
    for (let room = most; room > 0; ) {
      const item = this.queue[0];
      // The last of the room is left empty rather than filled with a splinter, which costs both sides more than it saves.
      if (item?.kind !== recordApp || (room < most / 16 && lengthOf(item.parts) > room)) break;
      const part = item.parts[0] as Uint8Array;
      parts.push(part.subarray(0, room));
      if (part.length > room) {
        item.parts[0] = part.subarray(room);
        break;
      }
      room -= part.length;
      item.parts.shift();
      if (item.parts.length > 0) continue;
      this.queue.shift();
      finishes.push(item);
    }
    return { frame: this.sealer.seal(recordApp, ...parts), finishes };
  }

  private finish(item: Item, error?: unknown): void {
    if (!this.unfinished.delete(item)) return;
    this.unfinishedBytes -= item.bytes;
    if (error === undefined) item.done.resolve();
    else item.done.reject(error);
  }
}
