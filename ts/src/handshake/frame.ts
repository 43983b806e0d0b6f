// Layout of the FSEH frame.
// Layer handshake. One frame is one binary transport message. Source: PROTOCOL, "Handshake frame".

import { concat, readU32, writeU32 } from "../base/index.js";
import { FramingError, HandshakeError } from "./error.js";

export const handshakeVersion = 1;
export const handshakeHeaderBytes = 10;
export const typeInit = 1;
export const typeResp = 2;
export const typeAck = 3;

const magic = 0x46534548; // "FSEH"

/** "FSEH", version, type, u32 length, payload. */
export function encodeFrame(type: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(handshakeHeaderBytes);
  writeU32(header, 0, magic);
  header[4] = handshakeVersion;
  header[5] = type;
  writeU32(header, 6, payload.length);
  return concat(header, payload);
}

/**
 * The type as sent, and the payload, a view. Throws FramingError frame_too_short, bad_magic, unsupported_frame_version,
 * payload_too_large, size_mismatch, checked in this order. Whether the type is expected depends on the state.
 */
export function decodeFrame(frame: Uint8Array, maxPayloadBytes: number): { type: number; payload: Uint8Array } {
  if (frame.length < handshakeHeaderBytes) throw new FramingError("frame_too_short");
  if (readU32(frame, 0) !== magic) throw new FramingError("bad_magic");
  if (frame[4] !== handshakeVersion) throw new FramingError("unsupported_frame_version");
  const length = readU32(frame, 6);
  if (length > maxPayloadBytes) throw new FramingError("payload_too_large");
  if (length !== frame.length - handshakeHeaderBytes) throw new FramingError("size_mismatch");
  return { type: frame[5] as number, payload: frame.subarray(handshakeHeaderBytes) };
}

/** The payload of a frame that must be of this type. Throws as decodeFrame, and FramingError unexpected_type. */
export function payloadOf(type: number, frame: Uint8Array, maxPayloadBytes: number): Uint8Array {
  const parts = decodeFrame(frame, maxPayloadBytes);
  if (parts.type !== type) throw new FramingError("unexpected_type");
  return parts.payload;
}

/** What a generated decoder makes of a payload. Throws HandshakeError malformed_message. */
export function decodeMessage<Message>(decode: (text: Uint8Array) => Message, payload: Uint8Array): Message {
  try {
    return decode(payload);
  } catch (cause) {
    throw new HandshakeError("malformed_message", { cause });
  }
}
