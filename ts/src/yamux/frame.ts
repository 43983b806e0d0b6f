// The 12-byte header.
// Layer yamux. Knows nothing of sessions. Source: PROTOCOL, "Yamux header".

import { readU16, readU32, writeU16, writeU32 } from "../base/index.js";
import { YamuxError } from "./errors.js";

/** Bytes of a header. */
export const HEADER_LEN = 12;
/** The only version. */
export const YAMUX_VERSION = 0;
/** Bytes of a stream; `length` counts them. */
export const TYPE_DATA = 0;
/** Credit for a stream; `length` is how many bytes. */
export const TYPE_WINDOW_UPDATE = 1;
/** A question with SYN, its answer with ACK; `length` is what the answer repeats. */
export const TYPE_PING = 2;
/** The end of the session. */
export const TYPE_GO_AWAY = 3;
/** Opens a stream, or asks. */
export const FLAG_SYN = 1;
/** Accepts a stream, or answers. */
export const FLAG_ACK = 2;
/** Closes the sending half. */
export const FLAG_FIN = 4;
/** Abandons a stream. */
export const FLAG_RST = 8;

/** One header. `length` is bytes of body, credit, an opaque value or a code, as the type says. All are unsigned. */
export interface YamuxHeader {
  readonly type: number;
  readonly flags: number;
  /** 0 for the session itself. */
  readonly streamId: number;
  readonly length: number;
}

/** 12 bytes of header. */
export function encodeHeader({ type, flags, streamId, length }: YamuxHeader): Uint8Array {
  return headerOf(type, flags, streamId, length);
}

/** encodeHeader, field by field. */
export function headerOf(type: number, flags: number, streamId: number, length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_LEN);
  bytes[0] = YAMUX_VERSION;
  bytes[1] = type;
  writeU16(bytes, 2, flags);
  writeU32(bytes, 4, streamId);
  writeU32(bytes, 8, length);
  return bytes;
}

/**
 * Reads the header at `offset`, 12 bytes of which must be there (RangeError). Unknown flag bits stay and mean nothing.
 * Errors: YamuxError bad_version, bad_type, stream_zero. Each ends a session.
 */
export function decodeHeader(bytes: Uint8Array, offset = 0): YamuxHeader & { readonly version: number } {
  if (bytes.length - offset < HEADER_LEN) throw new RangeError("a header has 12 bytes");
  return { version: YAMUX_VERSION, ...readHeader(bytes, offset) };
}

/** decodeHeader, of bytes that are there. */
export function readHeader(bytes: Uint8Array, offset: number): YamuxHeader {
  const type = bytes[offset + 1] as number;
  const streamId = readU32(bytes, offset + 4);
  if (bytes[offset] !== YAMUX_VERSION) throw new YamuxError("bad_version");
  if (type > TYPE_GO_AWAY) throw new YamuxError("bad_type");
  if (streamId === 0 && type <= TYPE_WINDOW_UPDATE) throw new YamuxError("stream_zero");
  return { type, flags: readU16(bytes, offset + 2), streamId, length: readU32(bytes, offset + 8) };
}
