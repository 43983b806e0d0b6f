// Exact reads and JSON frames on streams.
// Layer streamio. Source: PROTOCOL, "JSON frame".

import { onAbort, throwIfAborted } from "../base/index.js";
import { DEFAULT_MAX_JSON_FRAME_BYTES, readJsonFrame, writeJsonFrame } from "../framing/index.js";
import { ByteReader } from "../yamux/index.js";

/** The reading half that is needed here; a YamuxStream has it. */
export interface ReadableByteStream {
  /** One chunk, of at most maxBytes; null at the end of the stream. */
  read(options?: { readonly maxBytes?: number | undefined; readonly signal?: AbortSignal | undefined }): Promise<Uint8Array | null>;
  /** Abandons both directions. */
  reset?(error?: unknown): void;
}

/** Both halves. */
export interface ByteStream extends ReadableByteStream {
  /** Sends bytes in order; settles when it can take more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes this sending half. */
  close(): Promise<void> | void;
}

/** What may be given up. */
export interface SignalOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One chunk, or null at the end of the stream. */
export function readMaybe(stream: ReadableByteStream): Promise<Uint8Array | null> {
  return stream.read();
}

/**
 * Exact reads from a stream. It takes no more than it is asked for, so the stream may be read on behind it. The signal,
 * also one that has fired already, resets the stream; its listener goes away at the end of the stream. A signal given to
 * one read gives up that read only.
 */
export function createByteReader(stream: ReadableByteStream, options: SignalOptions = {}): ByteReader {
  const stopListening = onAbort(options.signal, (error) => stream.reset?.(error));
  return new ByteReader(async (maxBytes, { signal } = {}) => {
    try {
      throwIfAborted(options.signal);
      const chunk = await stream.read({ maxBytes, signal });
      if (chunk === null) stopListening();
      return chunk;
    } catch (error) {
      if (!signal?.aborted) stopListening();
      throwIfAborted(options.signal);
      throw error;
    }
  });
}

/** The next n bytes. The signal gives up this read, and loses nothing. Errors as ByteReader. */
export async function readExactly(reader: ByteReader, n: number, options: SignalOptions = {}): Promise<Uint8Array> {
  throwIfAborted(options.signal);
  return reader.readExactly(n, options);
}

/** How readNBytes goes about it. The signal gives it up. */
export interface ReadNBytesOptions extends SignalOptions {
  /** Most bytes of one step; default 65536. */
  readonly chunkSize?: number | undefined;
  /** Told the bytes so far, after each step. What it throws, or rejects with, ends the reading. */
  readonly onProgress?: ((totalBytes: number) => void) | undefined;
}

/**
 * The next n bytes in one array, for which the memory is taken at once: n is the caller's to bound. n is rounded down, and
 * 0 when negative. Errors as ByteReader; what was read until then is gone.
 */
export async function readNBytes(reader: ByteReader, n: number, options: ReadNBytesOptions = {}): Promise<Uint8Array> {
  const { chunkSize = 65_536, signal, onProgress } = options;
  if (!(chunkSize >= 1)) throw new RangeError("chunkSize must be at least 1");
  const step = Math.floor(chunkSize);
  const all = new Uint8Array(Math.max(0, Math.floor(n)));
  throwIfAborted(signal);
  for (let at = 0; at < all.length; ) {
    throwIfAborted(signal);
    const chunk = await reader.readExactly(Math.min(step, all.length - at), { signal });
    all.set(chunk, at);
    at += chunk.length;
    await onProgress?.(at); // one that is async may fail, as any other
  }
  return all;
}

/** How a JsonFrameChannel is set up. The signal resets its stream. */
export interface JsonFrameChannelOptions extends SignalOptions {
  /** Most bytes of one frame's text; 0: no bound. Default 1 MiB. */
  readonly maxJsonFrameBytes?: number | undefined;
}

/** How one frame is read. */
export interface ReadFrameOptions<Value> {
  /** Instead of the channel's. */
  readonly maxBytes?: number | undefined;
  /** Checks the value and gives it its type, or throws. */
  readonly assert?: ((value: unknown) => Value) | undefined;
}

/** JSON frames in both directions. Raw bytes between frames are read with `reader`, written with `stream`. */
export interface JsonFrameChannel<Stream extends ByteStream = ByteStream> {
  readonly stream: Stream;
  readonly reader: ByteReader;
  /** Errors: JsonFramingError, those of the stream. */
  writeFrame(value: unknown): Promise<void>;
  /** Errors: JsonFramingError, those of the reader, what `assert` throws. */
  readFrame<Value = unknown>(options?: ReadFrameOptions<Value>): Promise<Value>;
  /** Closes the sending half. */
  close(): Promise<void>;
}

function frameLimit({ maxJsonFrameBytes = DEFAULT_MAX_JSON_FRAME_BYTES }: JsonFrameChannelOptions): number {
  if (maxJsonFrameBytes >= 0 && maxJsonFrameBytes < Infinity) return maxJsonFrameBytes;
  throw new RangeError("maxJsonFrameBytes must be finite and not negative");
}

/** Frames on a stream. The signal resets the stream, as with createByteReader. Throws RangeError for the limit. */
export function createJsonFrameChannel<Stream extends ByteStream>(
  stream: Stream,
  options: JsonFrameChannelOptions = {},
): JsonFrameChannel<Stream> {
  const maxJsonFrameBytes = frameLimit(options);
  const reader = createByteReader(stream, options);
  return {
    stream,
    reader,
    writeFrame: (value) => writeJsonFrame(stream, value, maxJsonFrameBytes),
    async readFrame<Value>({ maxBytes = maxJsonFrameBytes, assert }: ReadFrameOptions<Value> = {}): Promise<Value> {
      const value = await readJsonFrame(reader, maxBytes);
      return assert === undefined ? (value as Value) : assert(value);
    },
    close: async () => stream.close(),
  };
}

/** Opens a stream of a kind first. Errors: RangeError for the limit, nothing is opened then; those of openStream. */
export async function openJsonFrameChannel<Stream extends ByteStream>(
  client: { openStream(kind: string, options?: SignalOptions): Promise<Stream> },
  kind: string,
  options: JsonFrameChannelOptions = {},
): Promise<JsonFrameChannel<Stream>> {
  const { signal } = options;
  frameLimit(options);
  return createJsonFrameChannel(await client.openStream(kind, signal === undefined ? {} : { signal }), options);
}
