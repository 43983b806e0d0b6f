// What one direction of a session is protected with.
// Layer record. Made by the handshake, wiped by whoever holds it last. Source: PROTOCOL, "Key schedule" and "Rekey".

import { concat, then, utf8, writeU64, type Awaitable } from "../base/index.js";
import type { CryptoProvider } from "../crypto/index.js";
import type { Direction } from "./frame.js";

/** Every later key comes from `rekeyBase`, never from the key before it, so both live side by side. */
export interface DirectionKeys {
  readonly way: Direction;
  /** 32 bytes, of the first epoch. */
  readonly key: Uint8Array;
  /** 4 bytes, the same in every epoch. */
  readonly prefix: Uint8Array;
  /** 32 bytes. */
  readonly rekeyBase: Uint8Array;
  /** 32 bytes. */
  readonly transcriptHash: Uint8Array;
}

const rekeyLabel = utf8("flowersec-e2ee-v1:rekey");
const rekeyInfo = concat(utf8("flowersec-e2ee-v1:rekey:key"), Uint8Array.of(1));

/**
 * The key that follows the rekey record with this sequence number: salt = HMAC(rekeyBase, transcriptHash || u64be(sequence)
 * || u8(way)), key = HKDF(salt, label, info). One block of HKDF is as long as the key. Source: RFC 5869.
 */
export function deriveNextKey(
  crypto: CryptoProvider,
  keys: Pick<DirectionKeys, "way" | "rekeyBase" | "transcriptHash">,
  sequence: bigint,
): Awaitable<Uint8Array> {
  const which = new Uint8Array(9);
  writeU64(which, 0, sequence);
  which[8] = keys.way;
  const salt = crypto.hmac(keys.rekeyBase, keys.transcriptHash, which);
  const prk = then(salt, (key) => crypto.hmac(key, rekeyLabel));
  return then(prk, (key) => crypto.hmac(key, rekeyInfo));
}
