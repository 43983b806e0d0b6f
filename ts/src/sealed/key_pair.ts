// Identity keys of servers, both halves. Clients have no use for it.
// Layer sealed. Source: PROTOCOL, "Sealed open".

import { decodeBase64url, encodeBase64url, wipe } from "../base/index.js";
import type { KeyPair } from "../crypto/index.js";
import { suiteX25519 } from "../crypto/index.js";
import { syncCrypto } from "../crypto/sync.js";
import { openPsk } from "./box.js";
import { SealedError } from "./error.js";
import { identityKeyBytes, serverKeyId } from "./key.js";

/** An identity of a server: X25519. Its private half cannot be got out again. */
export class ServerKeyPair {
  /** What clients pin: base64url, 43 characters. */
  readonly publicKey: string;
  /** What open messages name it by: 11 characters. */
  readonly kid: string;
  readonly #pair: KeyPair;

  /** `privateKey` is base64url, 43 characters, as a key file has it. Throws SealedError bad_key. */
  constructor(privateKey: string) {
    const bytes = typeof privateKey === "string" ? decodeBase64url(privateKey, identityKeyBytes) : undefined;
    if (bytes === undefined) throw new SealedError("bad_key");
    this.#pair = syncCrypto.keyPairOf(suiteX25519, bytes);
    wipe(bytes);
    this.publicKey = encodeBase64url(this.#pair.publicKey);
    this.kid = serverKeyId(syncCrypto, this.#pair.publicKey) as string;
  }

  /**
   * Opens a sealed box for a channel: the 32-byte key, the caller's to wipe. One error whatever is wrong: SealedError
   * open_failed.
   */
  open(channelId: string, box: Uint8Array): Promise<Uint8Array> {
    return openPsk(this.#pair, channelId, box, syncCrypto);
  }
}

/**
 * The keys of a server's key file, the current one first. Takes the file's text: JSON `{"version": 1, "keys": [{"kid",
 * "private_key_b64u", "created_at_unix_s"}]}`. Throws SealedError bad_key for any other, for no key, for one that is there twice, and for an id that
 * is not that of its key.
 */
export function parseKeyFile(text: string): ServerKeyPair[] {
  const refuse = () => new SealedError("bad_key");
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw refuse(); // what JSON.parse says quotes the text
  }
  const { version, keys } = Object(file) as Record<string, unknown>;
  if (version !== 1 || !Array.isArray(keys) || keys.length === 0) throw refuse();
  const pairs = (keys as unknown[]).map((entry) => {
    const { kid, private_key_b64u } = Object(entry) as Record<string, unknown>;
    const pair = new ServerKeyPair(private_key_b64u as string);
    if (pair.kid !== kid) throw refuse();
    return pair;
  });
  if (new Set(pairs.map(({ kid }) => kid)).size !== pairs.length) throw refuse();
  return pairs;
}
