// The sending direction of a session: numbers, seals and rekeys records.
// Layer record. Knows nothing of streams or transports. Source: PROTOCOL, "Records".

import { gather, isPromise, lengthOf, then, wipe, type Awaitable } from "../base/index.js";
import { tagBytes, type Cipher, type CryptoProvider } from "../crypto/index.js";
import { RecordError } from "./error.js";
import {
  exhaustedSequence, firstSequence, newFrame, nonceOf, recordHeaderBytes, recordRekey, type RecordKind,
} from "./frame.js";
import { deriveNextKey, type DirectionKeys } from "./keys.js";

/**
 * Seals one direction. Calls may overlap where the cipher takes its time: each takes its number at once, and frames leave
 * in the order of the calls. After a rekey nothing may be sealed until `rekeyed` settled.
 */
export class Sealer {
  /** Settles when the key after the last rekey record is in use; undefined when it is. */
  rekeyed: PromiseLike<void> | undefined;
  /** Frames that nobody needs any more: the next records of their size are made of them, the last one first. */
  readonly spares: Uint8Array[] = [];
  private closed = false;

  private constructor(
    private readonly crypto: CryptoProvider,
    private readonly keys: DirectionKeys,
    private cipher: Cipher,
    private next: bigint,
  ) {}

  /** Takes the keys over: `keys.key` is wiped, the rest by close(). `next` is for tests that stand close to exhaustion. */
  static create(crypto: CryptoProvider, keys: DirectionKeys, next = firstSequence): Awaitable<Sealer> {
    return then(crypto.cipher(keys.key), (cipher) => {
      wipe(keys.key);
      return new Sealer(crypto, keys, cipher, next);
    });
  }

  /**
   * One record, of the parts joined, which may change as soon as the call has returned. A rekey record is sealed with the
   * old key, and what follows with the next one. Throws RecordError exhausted and closed, which end the channel.
   */
  seal(kind: RecordKind, ...parts: readonly Uint8Array[]): Awaitable<Uint8Array> {
    if (this.closed) throw new RecordError("closed");
    if (this.next === exhaustedSequence) {
      this.close();
      throw new RecordError("exhausted");
    }
    const sequence = this.next++;
    const frame = newFrame(kind, sequence, lengthOf(parts), this.spares);
    const [header, rest] = [frame.subarray(0, recordHeaderBytes), frame.subarray(recordHeaderBytes)];
    // Sealed where it lies: a buffer less for each record.
    const plaintext = rest.subarray(0, -tagBytes);
    gather(parts, plaintext);
    const sealed = this.cipher.seal(nonceOf(this.keys.prefix, sequence), header, plaintext, rest);
    if (kind === recordRekey) this.rekey(sequence);
    return then(sealed, () => frame);
  }

  /** Wipes the keys; every later call is RecordError closed. */
  close(): void {
    this.closed = true;
    this.cipher.wipe();
    wipe(this.keys.rekeyBase);
  }

  private rekey(sequence: bigint): void {
    const old = this.cipher;
    const done = then(nextCipher(this.crypto, this.keys, sequence), (cipher) => {
      if (this.closed) return cipher.wipe();
      old.wipe();
      this.cipher = cipher;
      this.rekeyed = undefined;
    });
    if (!isPromise(done)) return;
    this.rekeyed = done;
    done.then(undefined, () => {}); // whoever waits for the key learns of it
  }
}

/** A cipher with the key that follows a rekey record. */
export function nextCipher(crypto: CryptoProvider, keys: DirectionKeys, sequence: bigint): Awaitable<Cipher> {
  return then(deriveNextKey(crypto, keys, sequence), (key) =>
    then(crypto.cipher(key), (cipher) => {
      wipe(key);
      return cipher;
    }),
  );
}
