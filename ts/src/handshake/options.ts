// What both roles are configured with, and its checks.
// Layer handshake. Source: PROTOCOL, "Handshake limits" and "Time rules".

import { e2eeDefaults, maxChannelIdBytes, orDefault, pskBytes, utf8, type RandomSource } from "../base/index.js";
import { suiteP256, suiteX25519, type CryptoProvider, type SuiteId } from "../crypto/index.js";
import { HandshakeError } from "./error.js";

/** Both roles. */
export interface HandshakeOptions {
  /** Normalised; 1 to 256 bytes of UTF-8. */
  channelId: string;
  /** 1 is X25519, 2 is P-256. Not negotiated: both sides are configured with the same one. */
  suite: SuiteId;
  /** 32 bytes; a copy is taken, and wiped at the end. */
  psk: Uint8Array;
  /** Feature bits to offer, a u32. Default 0. */
  features?: number | undefined;
  /** Largest JSON payload of a message, in bytes. Left out or 0: 8192. */
  maxPayloadBytes?: number | undefined;
}

/** The server role. */
export interface ServerOptions extends HandshakeOptions {
  /** End of the channel's init window, Unix seconds; positive. */
  initExpireAtUnixS: number;
  /** How far the client's clock may be away, whole seconds. 0 is exact. */
  clockSkewSeconds: number;
}

/** Primitives and randomness of a machine. */
export interface HandshakeTools {
  crypto: CryptoProvider;
  random: RandomSource;
}

/** The options with defaults filled in and the PSK copied. Throws HandshakeError of our own side. */
export function checkedOptions<Options extends HandshakeOptions>(options: Options) {
  const { psk, suite, features = 0 } = options;
  const maxPayloadBytes = orDefault(options.maxPayloadBytes, e2eeDefaults.maxHandshakePayload);
  const channelIdBytes = utf8(options.channelId).length;
  if (channelIdBytes === 0 || channelIdBytes > maxChannelIdBytes) throw new HandshakeError("bad_channel_id");
  if (psk.length !== pskBytes) throw new HandshakeError("bad_psk");
  if (suite !== suiteX25519 && suite !== suiteP256) throw new HandshakeError("bad_suite");
  const good = features >>> 0 === features && Number.isSafeInteger(maxPayloadBytes) && maxPayloadBytes > 0;
  if (!good) throw new HandshakeError("bad_limits");
  return { ...options, features, maxPayloadBytes, psk: new Uint8Array(psk) };
}

/** checkedOptions, and those of the server. */
export function checkedServerOptions(options: ServerOptions) {
  const { initExpireAtUnixS, clockSkewSeconds } = options;
  if (!Number.isSafeInteger(initExpireAtUnixS) || initExpireAtUnixS <= 0) throw new HandshakeError("missing_init_exp");
  if (!Number.isSafeInteger(clockSkewSeconds) || clockSkewSeconds < 0) throw new HandshakeError("bad_skew");
  return checkedOptions(options);
}

/** n random bytes. Throws HandshakeError random_failed. */
export function draw(random: RandomSource, n: number): Uint8Array {
  const bytes = new Uint8Array(n);
  try {
    random(bytes);
  } catch (cause) {
    throw new HandshakeError("random_failed", { cause });
  }
  return bytes;
}

/** A fresh key pair. Throws HandshakeError random_failed. */
export async function drawKeyPair(crypto: CryptoProvider, suite: SuiteId) {
  try {
    return await crypto.generateKeyPair(suite);
  } catch (cause) {
    throw new HandshakeError("random_failed", { cause });
  }
}
