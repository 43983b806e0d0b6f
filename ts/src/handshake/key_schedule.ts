// Transcript, key schedule and authentication tag: what both roles compute from one handshake.
// Layer handshake. Pure functions of the primitives; with a synchronous provider their answers are there at once.
// Source: PROTOCOL, "Transcript" and "Key schedule"; RFC 5869.

import { all, concat, then, utf8, wipe, writeU16, writeU32, writeU64, type Awaitable } from "../base/index.js";
import type { CryptoProvider, SuiteId } from "../crypto/index.js";
import { HandshakeError } from "./error.js";

/** Everything both sides must agree on; keys are the bytes as transmitted. Time and handshake_id are not part of it. */
export interface Transcript {
  suite: SuiteId;
  clientFeatures: number;
  serverFeatures: number;
  /** 1 to 65535 bytes of UTF-8. */
  channelId: string;
  nonceC: Uint8Array;
  nonceS: Uint8Array;
  clientPublicKey: Uint8Array;
  serverPublicKey: Uint8Array;
}

/** Where one direction starts from. Each has its own copy of the rekey base, so that each can be wiped on its own. */
export interface DirectionSecrets {
  key: Uint8Array;
  prefix: Uint8Array;
  rekeyBase: Uint8Array;
}

/** What a finished handshake leaves behind. */
export interface TrafficKeys {
  clientToServer: DirectionSecrets;
  serverToClient: DirectionSecrets;
  transcriptHash: Uint8Array;
  /** Features both sides have set. Bits from 0x00010000 up belong to this project. */
  commonFeatures: number;
}

// The version, and the client's role byte on both sides: there is one transcript, not one for each role.
const transcriptVersion = 1;
const transcriptRole = 1;
const label = "flowersec-e2ee-v1";

function withLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.length > 0xffff) throw new HandshakeError("bad_limits");
  const length = new Uint8Array(2);
  writeU16(length, 0, bytes.length);
  return concat(length, bytes);
}

/** SHA-256 of the transcript. Throws HandshakeError bad_limits for an empty or over-long channel id or key. */
export function hashOf(crypto: CryptoProvider, of: Transcript): Awaitable<Uint8Array> {
  const head = new Uint8Array(12);
  head[0] = transcriptVersion;
  writeU16(head, 1, of.suite);
  head[3] = transcriptRole;
  writeU32(head, 4, of.clientFeatures);
  writeU32(head, 8, of.serverFeatures);
  return crypto.sha256(
    utf8(label), head, withLength(utf8(of.channelId)), of.nonceC, of.nonceS,
    withLength(of.clientPublicKey), withLength(of.serverPublicKey),
  );
}

/** HMAC-SHA256(psk, transcriptHash || u64be(time)). Public once ACK is sent; until then whoever knows it can be the client. */
export function authTagOf(
  crypto: CryptoProvider,
  psk: Uint8Array,
  transcriptHash: Uint8Array,
  timestampUnixS: bigint,
): Awaitable<Uint8Array> {
  const time = new Uint8Array(8);
  writeU64(time, 0, timestampUnixS);
  return crypto.hmac(psk, transcriptHash, time);
}

// Every output is one block of HKDF-Expand, or less: T(1) = HMAC(PRK, info || 01).
const infoOf = (name: string) => concat(utf8(`${label}:${name}`), Uint8Array.of(1));
const infos = ["c2s:key", "s2c:key", "rekey_base", "c2s:nonce_prefix", "s2c:nonce_prefix"].map(infoOf);

/** PRK = HMAC-SHA256(psk, sharedSecret || transcriptHash), then one HKDF-Expand for each output. */
export function deriveTrafficKeys(
  crypto: CryptoProvider,
  psk: Uint8Array,
  sharedSecret: Uint8Array,
  transcriptHash: Uint8Array,
  commonFeatures: number,
): Awaitable<TrafficKeys> {
  return then(crypto.hmac(psk, sharedSecret, transcriptHash), (prk) =>
    then(all(infos.map((info) => crypto.hmac(prk, info))), (outputs) => {
      wipe(prk);
      const [c2sKey, s2cKey, rekeyBase, c2sPrefix, s2cPrefix] = outputs as Outputs;
      return {
        clientToServer: { key: c2sKey, prefix: c2sPrefix.slice(0, 4), rekeyBase },
        serverToClient: { key: s2cKey, prefix: s2cPrefix.slice(0, 4), rekeyBase: rekeyBase.slice() },
        transcriptHash,
        commonFeatures,
      };
    }),
  );
}

type Outputs = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** Overwrites what a handshake left behind and nobody took over. */
export function wipeKeys(keys: TrafficKeys): void {
  for (const { key, rekeyBase } of [keys.clientToServer, keys.serverToClient]) wipe(key, rekeyBase);
}
