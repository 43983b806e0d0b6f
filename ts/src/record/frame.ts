// Layout of the FSEC frame and the words of the record layer.
// Layer record. Pure data: no key, no state. Source: PROTOCOL, "Record layout".

import { readU32, readU64, writeU32, writeU64 } from "../base/index.js";
import { tagBytes } from "../crypto/index.js";
import { RecordError } from "./error.js";

export const recordVersion = 1;
export const recordHeaderBytes = 18;
/** What sealing adds to a plaintext. */
export const recordOverheadBytes = recordHeaderBytes + tagBytes;
/** Both directions count from here. The server-finished ping is record 1 of server to client. */
export const firstSequence = 1n;
/** Never sent: a direction ends before it, so that no nonce can repeat. */
export const exhaustedSequence = 0xffff_ffff_ffff_ffffn;

const magic = 0x46534543; // "FSEC"

/** The flags byte, an enumeration and no set of bits: plaintext of the session. */
export const recordApp = 0;
/** A keep-alive; empty, and not answered. */
export const recordPing = 1;
/** The last one under the sender's key. */
export const recordRekey = 2;
/** What a record is for: 0 plaintext, 1 keep-alive, 2 rekey. */
export type RecordKind = 0 | 1 | 2;

/** From client to server, whoever looks at it. */
export const clientToServer = 1;
/** From server to client. */
export const serverToClient = 2;
/** The way a record travels: 1 from client to server, 2 from server to client. */
export type Direction = 1 | 2;

/** A frame with its header written, and room for `plaintextBytes` sealed: the last of `spares` when it has the size, else a new one. */
export function newFrame(kind: RecordKind, sequence: bigint, plaintextBytes: number, spares: Uint8Array[] = []): Uint8Array {
  const bytes = recordOverheadBytes + plaintextBytes;
  const frame = spares.at(-1)?.length === bytes ? (spares.pop() as Uint8Array) : new Uint8Array(bytes);
  writeU32(frame, 0, magic);
  frame[4] = recordVersion;
  frame[5] = kind;
  writeU64(frame, 6, sequence);
  writeU32(frame, 14, plaintextBytes + tagBytes);
  return frame;
}

/**
 * Makes every check on a whole frame that needs no key, in the order of the protocol, and returns its kind. Undefined for
 * `expected`: any sequence number. Throws RecordError too_large, too_short, bad_magic, bad_version, bad_flags,
 * bad_sequence, size_mismatch.
 */
export function checkFrame(frame: Uint8Array, expected: bigint | undefined, maxRecordBytes: number): RecordKind {
  if (frame.length > maxRecordBytes) throw new RecordError("too_large");
  if (frame.length < recordHeaderBytes) throw new RecordError("too_short");
  if (readU32(frame, 0) !== magic) throw new RecordError("bad_magic");
  if (frame[4] !== recordVersion) throw new RecordError("bad_version");
  const kind = frame[5] as number;
  if (kind > recordRekey) throw new RecordError("bad_flags");
  if (expected !== undefined && readU64(frame, 6) !== expected) throw new RecordError("bad_sequence");
  if (readU32(frame, 14) !== frame.length - recordHeaderBytes) throw new RecordError("size_mismatch");
  return kind as RecordKind;
}

/** Whether a message has the outside of a record; what the tunnel sees of it. */
export function looksLikeRecord(frame: Uint8Array, maxCiphertextBytes: number): boolean {
  return (
    frame.length >= recordHeaderBytes &&
    readU32(frame, 0) === magic &&
    frame[4] === recordVersion &&
    readU32(frame, 14) <= maxCiphertextBytes &&
    readU32(frame, 14) === frame.length - recordHeaderBytes
  );
}

/** The nonce of a record: the direction's prefix, then its sequence number. Source: PROTOCOL, "Record protection". */
export function nonceOf(prefix: Uint8Array, sequence: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce.set(prefix);
  writeU64(nonce, 4, sequence);
  return nonce;
}
