// The sealed box ownwire-seal-v1: a pre-shared key on its way to whoever holds a server's identity key.
// Layer sealed. A sealing pair seals exactly one box, so that the nonce may follow from the secret.
// Source: PROTOCOL, "Sealed open: box".

import { concat, maxChannelIdBytes, pskBytes, trimmed, utf8, wipe, writeU16 } from "../base/index.js";
import { defaultCrypto, keyBytes, nonceBytes, suiteX25519, tagBytes, type Cipher, type CryptoProvider, type KeyPair } from "../crypto/index.js";
import { SealedError } from "./error.js";
import { identityKeyBytes } from "./key.js";

/** Sealing public key, ciphertext, tag. */
export const boxBytes = identityKeyBytes + pskBytes + tagBytes;

const label = "ownwire-seal-v1";
const infoOf = (name: string) => concat(utf8(`${label}:${name}`), Uint8Array.of(1));

/** HKDF-SHA256 of one block for each output: T(1) = HMAC(PRK, info || 01). Wipes the shared secret. Source: RFC 5869. */
async function boxKeys(crypto: CryptoProvider, secret: Uint8Array, sealing: Uint8Array, server: Uint8Array): Promise<{ cipher: Cipher; nonce: Uint8Array }> {
  const prk = await crypto.hmac(concat(sealing, server), secret);
  const [key, nonce] = [await crypto.hmac(prk, infoOf("key")), await crypto.hmac(prk, infoOf("nonce"))];
  const cipher = await crypto.cipher(key.subarray(0, keyBytes));
  wipe(secret, prk, key);
  return { cipher, nonce: nonce.slice(0, nonceBytes) };
}

/** Throws SealedError bad_channel_id unless it has 1 to 256 bytes of UTF-8 and no white space around. */
function boundTo(channelId: string): Uint8Array {
  const id = utf8(channelId);
  if (id.length === 0 || id.length > maxChannelIdBytes || trimmed(channelId) !== channelId) throw new SealedError("bad_channel_id");
  const length = new Uint8Array(2);
  writeU16(length, 0, id.length);
  return concat(utf8(label), length, id);
}

/**
 * 80 bytes that only the holder of `server`'s private half opens, and only for this channel. `psk` is 32 bytes and stays the
 * caller's. `pair` is for tests. Errors: SealedError bad_channel_id, bad_psk, bad_key (also a key of small order).
 */
export async function sealPsk(
  server: Uint8Array,
  channelId: string,
  psk: Uint8Array,
  crypto?: CryptoProvider,
  pair?: KeyPair,
): Promise<Uint8Array> {
  const aad = boundTo(channelId);
  if (psk.length !== pskBytes) throw new SealedError("bad_psk");
  const provider = crypto ?? (await defaultCrypto());
  const sealing = pair ?? (await provider.generateKeyPair(suiteX25519));
  try {
    let secret: Uint8Array;
    try {
      secret = await sealing.agree(server);
    } catch (cause) {
      throw new SealedError("bad_key", { cause });
    }
    const { cipher, nonce } = await boxKeys(provider, secret, sealing.publicKey, server);
    const box = new Uint8Array(boxBytes);
    box.set(sealing.publicKey);
    await cipher.seal(nonce, aad, psk, box.subarray(identityKeyBytes));
    cipher.wipe();
    return box;
  } finally {
    sealing.wipe();
  }
}

/** The key in a box, 32 bytes. One error whatever is wrong: SealedError open_failed. `server` is the identity's pair. */
export async function openPsk(server: KeyPair, channelId: string, box: Uint8Array, crypto?: CryptoProvider): Promise<Uint8Array> {
  try {
    if (box.length !== boxBytes) throw new SealedError("open_failed");
    const aad = boundTo(channelId);
    const provider = crypto ?? (await defaultCrypto());
    const sealing = box.slice(0, identityKeyBytes);
    const { cipher, nonce } = await boxKeys(provider, await server.agree(sealing), sealing, server.publicKey);
    try {
      return await cipher.open(nonce, aad, box.subarray(identityKeyBytes));
    } finally {
      cipher.wipe();
    }
  } catch {
    throw new SealedError("open_failed");
  }
}
