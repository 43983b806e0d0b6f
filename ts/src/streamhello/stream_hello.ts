// The first frame on every stream: what the stream is for.
// Layer streamhello. Source: PROTOCOL, "Stream hello".

import { rpcDefaults } from "../base/index.js";
import { encodeFrame, type FrameReader, type FrameWriter, readFrameText } from "../framing/index.js";
import { decodeStreamHello, encodeStreamHello, type StreamHello } from "../gen/flowersec/rpc/v1.gen.js";

const helloVersion = 1;

/** A hello that is none: another version, no kind, or not of its shape (the cause). The stream is to be reset. */
export class StreamHelloError extends Error {
  override readonly name = "StreamHelloError";
  constructor(options?: ErrorOptions) {
    super("bad stream hello", options);
  }
}

/**
 * Writes the hello, in one write: nothing else may share its Data frame. The kind is sent as it is; its opener trims.
 * Errors: StreamHelloError for an empty kind, or one that is no text; JsonFramingError for one that is too long;
 * whatever the writer throws.
 */
export async function writeStreamHello(writer: FrameWriter, kind: string): Promise<void> {
  if (kind === "") throw new StreamHelloError();
  let text: string;
  try {
    text = encodeStreamHello({ kind, v: helloVersion });
  } catch (cause) {
    throw new StreamHelloError({ cause });
  }
  const frame = encodeFrame(text, rpcDefaults.maxStreamHelloBytes);
  await (typeof writer === "function" ? writer(frame) : writer.write(frame));
}

/**
 * Reads the hello and nothing behind it, at most 8192 bytes of JSON. Errors: StreamHelloError, JsonFramingError for its
 * length, whatever the reader throws.
 */
export async function readStreamHello(reader: FrameReader): Promise<StreamHello> {
  const text = await readFrameText(reader, rpcDefaults.maxStreamHelloBytes);
  let hello: StreamHello;
  try {
    hello = decodeStreamHello(text);
  } catch (cause) {
    throw new StreamHelloError({ cause });
  }
  if (hello.v !== helloVersion || hello.kind === "") throw new StreamHelloError();
  return hello;
}
