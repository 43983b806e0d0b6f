// Four bytes of length, then JSON text.
// Layer framing. Source: PROTOCOL, "JSON frame".

import { type Awaitable, concat, fromUtf8, readU32, rpcDefaults, utf8, writeU32 } from "../base/index.js";

/** Most bytes of JSON text in one frame, unless its user says otherwise. */
export const DEFAULT_MAX_JSON_FRAME_BYTES = rpcDefaults.maxJsonFrameBytes;

const lengthBytes = 4;

/** Gives exactly n bytes, or rejects. */
export type ReadExactly = (n: number) => Promise<Uint8Array>;
/** Takes bytes, in order; settles when it can take more. */
export type Write = (bytes: Uint8Array) => Awaitable<void>;
/** A function, or an object that has it. */
export type FrameReader = ReadExactly | { readExactly: ReadExactly };
/** The same for writing. */
export type FrameWriter = Write | { write: Write };

/**
 * A frame that cannot be. `bad_length` and `invalid_json` are the peer's: after the first the position in the stream is
 * lost, so the stream has to end. `too_long` and `not_json` are values that were not sent.
 */
export class JsonFramingError extends Error {
  override readonly name = "JsonFramingError";
  constructor(
    readonly code: "bad_length" | "invalid_json" | "too_long" | "not_json",
    options?: ErrorOptions,
  ) {
    super(`json frame: ${code}`, options);
  }
}

/** The text of the next frame, 1 to maxBytes bytes of it; 0 or Infinity: no bound. The length is checked first. */
export async function readFrameText(reader: FrameReader, maxBytes: number): Promise<Uint8Array> {
  const readExactly: ReadExactly = typeof reader === "function" ? reader : (n) => reader.readExactly(n);
  const length = readU32(await readExactly(lengthBytes), 0);
  if (length === 0 || (maxBytes > 0 && length > maxBytes)) throw new JsonFramingError("bad_length");
  return readExactly(length);
}

/** The frame of a text. Throws JsonFramingError `too_long`. */
export function encodeFrame(text: string, maxBytes: number = DEFAULT_MAX_JSON_FRAME_BYTES): Uint8Array {
  const body = utf8(text);
  if (maxBytes > 0 && body.length > maxBytes) throw new JsonFramingError("too_long");
  const header = new Uint8Array(lengthBytes);
  writeU32(header, 0, body.length);
  return concat(header, body);
}

/**
 * The value of the next frame. `maxBytes` bounds its text; 0: no bound. Errors: JsonFramingError bad_length,
 * invalid_json (its text is behind us), whatever the reader throws.
 */
export async function readJsonFrame(
  reader: FrameReader,
  maxBytes: number = DEFAULT_MAX_JSON_FRAME_BYTES,
): Promise<unknown> {
  const text = await readFrameText(reader, maxBytes);
  try {
    return JSON.parse(fromUtf8(text));
  } catch {
    // What JSON.parse says quotes the text, which may hold secrets.
    throw new JsonFramingError("invalid_json");
  }
}

/**
 * Sends a value as one frame, in one write. `maxBytes` as above. Errors: JsonFramingError not_json, too_long (nothing was
 * written), whatever the writer throws.
 */
export async function writeJsonFrame(
  writer: FrameWriter,
  value: unknown,
  maxBytes: number = DEFAULT_MAX_JSON_FRAME_BYTES,
): Promise<void> {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (cause) {
    throw new JsonFramingError("not_json", { cause });
  }
  if (text === undefined) throw new JsonFramingError("not_json");
  const frame = encodeFrame(text, maxBytes);
  await (typeof writer === "function" ? writer(frame) : writer.write(frame));
}
