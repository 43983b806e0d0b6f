// The receiving direction of a session: checks, opens and follows rekeys.
// Layer record. Plaintext is handed out only after its tag verified. Source: PROTOCOL, "Receiving records" and "Rekey".

import { then, wipe, type Awaitable } from "../base/index.js";
import { tagBytes, type Cipher, type CryptoProvider } from "../crypto/index.js";
import { RecordError } from "./error.js";
import {
  checkFrame, exhaustedSequence, firstSequence, nonceOf, recordHeaderBytes, recordPing, recordRekey, type RecordKind,
} from "./frame.js";
import type { DirectionKeys } from "./keys.js";
import { nextCipher } from "./sealer.js";

/** A record whose outside was right. Only app records have a plaintext that means something; an empty one means nothing. */
export interface OpenedRecord {
  readonly kind: RecordKind;
  /** Rejects with RecordError open_failed or exhausted. */
  readonly plaintext: Awaitable<Uint8Array>;
}

/**
 * Opens one direction. Calls may overlap where the cipher takes its time, except that the next call after a rekey record
 * waits for it. The first error is the end: keys are wiped, later calls give RecordError closed.
 */
export class Opener {
  private closed = false;

  private constructor(
    private readonly crypto: CryptoProvider,
    private readonly keys: DirectionKeys,
    private readonly maxRecordBytes: number,
    private cipher: Cipher,
    private expected: bigint,
  ) {}

  /** Takes the keys over: `keys.key` is wiped, the rest by close(). `expected` is for tests close to exhaustion. */
  static create(
    crypto: CryptoProvider,
    keys: DirectionKeys,
    maxRecordBytes: number,
    expected = firstSequence,
  ): Awaitable<Opener> {
    return then(crypto.cipher(keys.key), (cipher) => {
      wipe(keys.key);
      return new Opener(crypto, keys, maxRecordBytes, cipher, expected);
    });
  }

  /** `frame` is one whole transport message. Throws the receiving half of RecordErrorCode in its order, and closed. */
  open(frame: Uint8Array): OpenedRecord {
    if (this.closed) throw new RecordError("closed");
    try {
      const sequence = this.expected;
      const kind = checkFrame(frame, sequence, this.maxRecordBytes);
      // Too short for a tag is one more way of not authenticating, not an error of its own.
      if (frame.length < recordHeaderBytes + tagBytes) throw new RecordError("open_failed");
      this.expected++;
      const [header, rest] = [frame.subarray(0, recordHeaderBytes), frame.subarray(recordHeaderBytes)];
      const opened = this.cipher.open(nonceOf(this.keys.prefix, sequence), header, rest);
      const plaintext = then(opened, (bytes) => this.onAuthentic(kind, sequence, bytes));
      return { kind, plaintext: this.withEnd(plaintext) };
    } catch (error) {
      throw this.end(error);
    }
  }

  /** Opens the record that ends the client's handshake. Throws as open, and RecordError not_server_finished. */
  async openServerFinished(frame: Uint8Array): Promise<void> {
    const isFirst = this.expected === firstSequence;
    const { kind, plaintext } = this.open(frame);
    const { length } = await plaintext;
    if (!isFirst || kind !== recordPing || length > 0) throw this.end(new RecordError("not_server_finished"));
  }

  /** Wipes the keys; every later call is RecordError closed. */
  close(): void {
    this.closed = true;
    this.cipher.wipe();
    wipe(this.keys.rekeyBase);
  }

  private onAuthentic(kind: RecordKind, sequence: bigint, plaintext: Uint8Array): Awaitable<Uint8Array> {
    if (sequence === exhaustedSequence) throw new RecordError("exhausted");
    if (kind !== recordRekey) return plaintext;
    return then(nextCipher(this.crypto, this.keys, sequence), (cipher) => {
      this.cipher.wipe();
      if (this.closed) cipher.wipe();
      else this.cipher = cipher;
      return plaintext;
    });
  }

  private withEnd(plaintext: Awaitable<Uint8Array>): Awaitable<Uint8Array> {
    if (plaintext instanceof Uint8Array) return plaintext;
    return plaintext.then(undefined, (error: unknown) => {
      throw this.end(error);
    });
  }

  private end(error: unknown): unknown {
    this.close();
    return error instanceof RecordError ? error : new RecordError("open_failed");
  }
}

