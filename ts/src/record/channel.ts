// Encrypted ordered bytes over a transport: what a session speaks through after the handshake.
// Layer record. Two loops that never wait for each other: one reads, opens and queues plaintext; one seals and writes.
// Source: PROTOCOL, "Records".

import {
  ByteQueue, deferred, isPromise, onAbort, remove, throwIfAborted, withAbort, type BinaryTransport, type Deferred,
} from "../base/index.js";
import { RecordError } from "./error.js";
import { recordApp, recordOverheadBytes, recordPing, recordRekey, type RecordKind } from "./frame.js";
import { checkedLimits, maxUnreadRecords, type RecordLimits } from "./limits.js";
import type { Opener } from "./opener.js";
import { Outbox } from "./outbox.js";
import type { Sealer } from "./sealer.js";

/** What a finished handshake hands over. Both halves, and their keys, are the channel's from here on. */
export interface SecureChannelOptions extends RecordLimits {
  transport: BinaryTransport;
  sealer: Sealer;
  opener: Opener;
  /** Feature bits both sides have set. */
  commonFeatures?: number | undefined;
}

/** How a wait may be given up. */
export interface WaitableOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Starts nothing when the signal has fired; gives up the wait, not the work, when it fires. */
async function unlessAborted({ signal }: WaitableOptions, start: () => Promise<void>): Promise<void> {
  throwIfAborted(signal);
  return withAbort(start(), signal);
}

/** Encrypted ordered bytes in both directions. The first failure is the end of both, and is kept. */
export class SecureChannel {
  /** Feature bits both sides have set. */
  readonly commonFeatures: number;
  private readonly transport: BinaryTransport;
  private readonly sealer: Sealer;
  private readonly opener: Opener;
  private readonly outbox: Outbox;
  /**
   * Who lets the peer send more than is usual raises it by as much.
   * @internal
   */
  maxBufferedBytes: number;
  private readonly unread = new ByteQueue();
  private unreadBytes = 0; // of records under way and of `unread`
  private unreadRecords = 0; // the same, those included that are empty
  private readonly readers: Deferred<Uint8Array>[] = [];
  private opening: Promise<void> | undefined; // settles when every record under way has been delivered
  private failure: { readonly error: unknown } | undefined;

  /** Starts to read. Throws RecordError bad_limits. */
  constructor(options: SecureChannelOptions) {
    const limits = checkedLimits(options);
    this.commonFeatures = options.commonFeatures ?? 0;
    this.transport = options.transport;
    this.sealer = options.sealer;
    this.opener = options.opener;
    this.maxBufferedBytes = limits.maxBufferedBytes;
    this.outbox = new Outbox(options.transport, options.sealer, limits, (error) => this.end(error));
    void this.receive();
  }

  /**
   * The next plaintext, in portions of the sender's choosing, never empty. Waits for it; several waiting reads are served
   * in their order. After the end: what had arrived, then rejects with what ended the channel, which is RecordError closed
   * after close(). Aborting gives up this read alone, with AbortError: nothing that arrived is lost.
   */
  async read({ signal }: WaitableOptions = {}): Promise<Uint8Array> {
    throwIfAborted(signal);
    const chunk = this.unread.takeChunk();
    if (chunk) return this.taken(chunk);
    if (this.failure) throw this.failure.error;
    const reader = deferred<Uint8Array>();
    this.readers.push(reader);
    if (!signal) return reader.promise;
    const stop = onAbort(signal, (error) => {
      // One that has its bytes already is no longer among those that wait.
      if (remove(this.readers, reader)) reader.reject(error);
    });
    return reader.promise.finally(stop);
  }

  /**
   * Sends bytes, which may change as soon as the call has returned; settles when the transport took the last of them. Empty:
   * nothing is sent. Rejects with RecordError outbound_overflow when accepted and unfinished writes leave no room for all of it
   * (the channel lives on), or with what ended the channel. Aborting ends the wait, with AbortError, and takes nothing back: the
   * bytes are sent all the same.
   */
  write(bytes: Uint8Array, options: WaitableOptions = {}): Promise<void> {
    return unlessAborted(options, () => this.outbox.write([bytes]));
  }

  /** write(), of parts as if they were one. */
  writeParts(parts: readonly Uint8Array[]): Promise<void> {
    return this.outbox.write([...parts]);
  }

  /** Sends a keep-alive record. It has no answer. Rejects with what ended the channel. Aborting: as write(). */
  sendPing(options: WaitableOptions = {}): Promise<void> {
    return this.control(recordPing, options);
  }

  /**
   * Sends a rekey record and moves the sending direction to its next key. Rejects with what ended the channel. Aborting: as
   * write().
   */
  rekeyNow(options: WaitableOptions = {}): Promise<void> {
    return this.control(recordRekey, options);
  }

  /** Ends the channel and its transport, wipes its keys, fails who waits. Once is enough. */
  close(): void {
    this.end(new RecordError("closed"));
  }

  private control(kind: RecordKind, options: WaitableOptions): Promise<void> {
    return unlessAborted(options, () => this.outbox.control(kind));
  }

  private async receive(): Promise<void> {
    try {
      while (!this.failure) {
        const kind = this.accept(await this.transport.readBinary());
        // The key of what follows a rekey record is known only after it. A ping takes no room, so one at a time is held.
        // Nothing else is waited for here.
        if (kind !== recordApp) await this.opening;
      }
    } catch (error) {
      // What arrived whole before the end is delivered before it.
      await this.opening;
      this.end(error);
    }
  }

  /** Opens a record, and delivers it when its turn comes. Room is taken when it begins: what is under way is memory too. */
  private accept(frame: Uint8Array): RecordKind {
    const { kind, plaintext } = this.opener.open(frame);
    if (kind === recordApp) {
      this.unreadBytes += frame.length - recordOverheadBytes;
      this.unreadRecords++;
    }
    const before = this.opening;
    if (!before && !isPromise(plaintext)) {
      this.deliver(kind, plaintext);
    } else {
      // Records open side by side and are delivered in their order, and so is the failure of one.
      const opened = Promise.resolve(plaintext).then(
        (value) => () => this.deliver(kind, value),
        (error: unknown) => () => this.end(error),
      );
      const turn = (this.opening = Promise.all([opened, before]).then(([act]) => {
        act();
        if (this.opening === turn) this.opening = undefined;
      }));
    }
    const isTooMuch = this.unreadBytes > this.maxBufferedBytes || this.unreadRecords > maxUnreadRecords;
    // What a reader takes away at once is not unread.
    if (kind === recordApp && isTooMuch && !(this.readers.length > 0 && this.unreadRecords === 1)) throw new RecordError("inbound_overflow");
    return kind;
  }

  /** Nothing waits of this plaintext any more. */
  private taken(plaintext: Uint8Array): Uint8Array {
    this.unreadBytes -= plaintext.length;
    this.unreadRecords--;
    return plaintext;
  }

  private deliver(kind: RecordKind, plaintext: Uint8Array): void {
    if (kind !== recordApp || this.failure) return;
    const reader = plaintext.length > 0 ? this.readers.shift() : undefined;
    if (!reader && plaintext.length > 0) return this.unread.push(plaintext);
    this.taken(plaintext);
    reader?.resolve(plaintext);
  }

  private end(error: unknown): void {
    if (this.failure) return;
    this.failure = { error };
    this.opener.close();
    this.sealer.close();
    this.outbox.end(error);
    for (const reader of this.readers.splice(0)) reader.reject(error);
    this.transport.close();
  }
}
