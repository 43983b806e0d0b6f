// A key from a passphrase: Argon2id 1.3, one lane, in JavaScript on every platform, since neither WebCrypto nor Node 20 has it.
// Layer crypto. Loaded by import() only. Yields now and then, so that a page stays alive. Source: RFC 9106.

import { argon2idAsync } from "@noble/hashes/argon2.js";

/** What one guess costs. */
export interface PasswordCost {
  /** 1 to 16. */
  readonly passes: number;
  /** 8 to 262144: all of it is in use while the key is computed. */
  readonly memoryKib: number;
}

/** 32 bytes. `salt` is 16 bytes. */
export function keyFromPassword(passphrase: Uint8Array, salt: Uint8Array, cost: PasswordCost): Promise<Uint8Array> {
  return argon2idAsync(passphrase, salt, { t: cost.passes, m: cost.memoryKib, p: 1, dkLen: 32 });
}
