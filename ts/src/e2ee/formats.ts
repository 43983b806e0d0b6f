// The formats and derivations of the protocol as plain functions, for tools and tests of other implementations.
// Layer e2ee. Synchronous on every platform. Sessions do not use this file.

import { readU64, writeU64 } from "../base/index.js";
import type { SuiteId, SyncCipher } from "../crypto/provider.js";
import { syncCrypto } from "../crypto/sync.js";
import { decodeFrame, encodeFrame, handshakeHeaderBytes, typeAck, typeInit, typeResp } from "../handshake/frame.js";
import { HandshakeError } from "../handshake/error.js";
import { authTagOf, deriveTrafficKeys, hashOf, type TrafficKeys } from "../handshake/key_schedule.js";
import { RecordError } from "../record/error.js";
import {
  checkFrame, exhaustedSequence, looksLikeRecord, newFrame, nonceOf, recordApp, recordHeaderBytes, recordOverheadBytes,
  recordPing, recordRekey, type Direction, type RecordKind,
} from "../record/frame.js";
import { deriveNextKey } from "../record/keys.js";
import { maxPlaintextBytes } from "../record/limits.js";

/** First bytes of a handshake frame. */
export const HANDSHAKE_MAGIC = "FSEH";
/** First bytes of a record. */
export const RECORD_MAGIC = "FSEC";
/** Version of frames, records and INIT. */
export const PROTOCOL_VERSION = 1;
/** Type of the frame that the client begins with. */
export const HANDSHAKE_TYPE_INIT = typeInit;
/** Type of the server's answer. */
export const HANDSHAKE_TYPE_RESP = typeResp;
/** Type of the frame with the client's tag. */
export const HANDSHAKE_TYPE_ACK = typeAck;
/** Flags of a record that carries bytes of the application. */
export const RECORD_FLAG_APP = recordApp;
/** Flags of a record that carries nothing. */
export const RECORD_FLAG_PING = recordPing;
/** Flags of a record after which the next key is used. */
export const RECORD_FLAG_REKEY = recordRekey;
/** Bytes. */
export const HANDSHAKE_HEADER_LEN = handshakeHeaderBytes;
/** Bytes. */
export const RECORD_HEADER_LEN = recordHeaderBytes;

/** Most plaintext of a record, in bytes. */
export { maxPlaintextBytes };

/** "FSEH", version, type, u32 length, payload. */
export function encodeHandshakeFrame(handshakeType: number, payloadJsonUtf8: Uint8Array): Uint8Array {
  return encodeFrame(handshakeType, payloadJsonUtf8);
}

/** Type and payload of a whole frame. Throws FramingError. */
export function decodeHandshakeFrame(
  frame: Uint8Array,
  maxPayloadBytes: number,
): { handshakeType: number; payloadJsonUtf8: Uint8Array } {
  const { type, payload } = decodeFrame(frame, maxPayloadBytes);
  return { handshakeType: type, payloadJsonUtf8: payload };
}

/** Whether a message has the outside of a record: what a tunnel can see of it. */
export function looksLikeRecordFrame(frame: Uint8Array, maxCiphertextBytes: number): boolean {
  return looksLikeRecord(frame, maxCiphertextBytes);
}

/** 8 bytes, big-endian. Throws RangeError outside 0 .. 2^64-1. */
export function encodeU64beBigint(value: bigint): Uint8Array {
  if (value < 0n || value > exhaustedSequence) throw new RangeError("not a u64");
  const bytes = new Uint8Array(8);
  writeU64(bytes, 0, value);
  return bytes;
}

/** From exactly 8 bytes. Throws RangeError for any other length. */
export function decodeU64beBigint(bytes: Uint8Array): bigint {
  if (bytes.length !== 8) throw new RangeError("not 8 bytes");
  return readU64(bytes, 0);
}

/** What transcriptHash covers. Version and role are those of INIT: always 1. */
export interface TranscriptInputs {
  version: number;
  suite: number;
  role: number;
  clientFeatures: number;
  serverFeatures: number;
  channelId: string;
  nonceC: Uint8Array;
  nonceS: Uint8Array;
  clientEphPub: Uint8Array;
  serverEphPub: Uint8Array;
}

/** SHA-256 of the transcript, 32 bytes. Throws HandshakeError for another version or role, and for what has no encoding. */
export function transcriptHash(inputs: TranscriptInputs): Uint8Array {
  if (inputs.version !== 1) throw new HandshakeError("unsupported_init_version");
  if (inputs.role !== 1) throw new HandshakeError("wrong_role");
  if (inputs.nonceC.length !== 32 || inputs.nonceS.length !== 32) throw new HandshakeError("malformed_nonce");
  // A synchronous provider makes the whole computation synchronous.
  return hashOf(syncCrypto, {
    suite: inputs.suite as SuiteId,
    clientFeatures: inputs.clientFeatures,
    serverFeatures: inputs.serverFeatures,
    channelId: inputs.channelId,
    nonceC: inputs.nonceC,
    nonceS: inputs.nonceS,
    clientPublicKey: inputs.clientEphPub,
    serverPublicKey: inputs.serverEphPub,
  }) as Uint8Array;
}

/** Keys of 32 bytes, nonce prefixes of 4. */
export interface SessionKeys {
  c2sKey: Uint8Array;
  s2cKey: Uint8Array;
  rekeyBase: Uint8Array;
  c2sNoncePrefix: Uint8Array;
  s2cNoncePrefix: Uint8Array;
}

/** HKDF-SHA256 with the PSK as salt, over secret and transcript hash. */
export function deriveSessionKeys(psk: Uint8Array, sharedSecret: Uint8Array, transcriptHash: Uint8Array): SessionKeys {
  const keys = deriveTrafficKeys(syncCrypto, psk, sharedSecret, transcriptHash, 0) as TrafficKeys;
  return {
    c2sKey: keys.clientToServer.key,
    s2cKey: keys.serverToClient.key,
    rekeyBase: keys.clientToServer.rekeyBase,
    c2sNoncePrefix: keys.clientToServer.prefix,
    s2cNoncePrefix: keys.serverToClient.prefix,
  };
}

/** HMAC-SHA256(psk, transcriptHash || u64be(timestampUnixS)), 32 bytes. */
export function computeAuthTag(psk: Uint8Array, transcriptHash: Uint8Array, timestampUnixS: bigint): Uint8Array {
  return authTagOf(syncCrypto, psk, transcriptHash, timestampUnixS) as Uint8Array;
}

/** The key after the rekey record `sequence` of a direction: 1 is client to server, 2 is server to client. */
export function deriveRekeyKey(
  rekeyBase: Uint8Array,
  transcriptHash: Uint8Array,
  sequence: bigint,
  direction: Direction,
): Uint8Array {
  return deriveNextKey(syncCrypto, { way: direction, rekeyBase, transcriptHash }, sequence) as Uint8Array;
}

/** One whole record. Throws RecordError chunk_too_large, exhausted, bad_flags. */
export function encryptRecord(
  key: Uint8Array,
  noncePrefix: Uint8Array,
  flags: RecordKind,
  sequence: bigint,
  plaintext: Uint8Array,
  maxRecordBytes: number,
): Uint8Array {
  if (![recordApp, recordPing, recordRekey].includes(flags)) throw new RecordError("bad_flags");
  if (plaintext.length > maxPlaintextBytes(maxRecordBytes)) throw new RecordError("chunk_too_large");
  if (sequence < 0n || sequence >= exhaustedSequence) throw new RecordError("exhausted");
  const frame = newFrame(flags, sequence, plaintext.length);
  const header = frame.subarray(0, recordHeaderBytes);
  withCipher(key, (c) => c.seal(nonceOf(noncePrefix, sequence), header, plaintext, frame.subarray(recordHeaderBytes)));
  return frame;
}

/** Opens one whole record. `expectSequence` undefined or null: whatever the header says. Throws RecordError. */
export function decryptRecord(
  key: Uint8Array,
  noncePrefix: Uint8Array,
  frame: Uint8Array,
  expectSequence: bigint | null | undefined,
  maxRecordBytes: number,
): { flags: RecordKind; seq: bigint; plaintext: Uint8Array } {
  const flags = checkFrame(frame, expectSequence ?? undefined, maxRecordBytes);
  if (frame.length < recordOverheadBytes) throw new RecordError("open_failed");
  const seq = readU64(frame, 6);
  const [header, sealed] = [frame.subarray(0, recordHeaderBytes), frame.subarray(recordHeaderBytes)];
  try {
    return { flags, seq, plaintext: withCipher(key, (c) => c.open(nonceOf(noncePrefix, seq), header, sealed)) };
  } catch (cause) {
    throw new RecordError("open_failed", { cause });
  }
}

function withCipher<Result>(key: Uint8Array, use: (cipher: SyncCipher) => Result): Result {
  const cipher = syncCrypto.cipher(key);
  try {
    return use(cipher);
  } finally {
    cipher.wipe();
  }
}
