// Exact portions out of a source that gives whatever arrived.
// Layer yamux.

import { ByteQueue } from "../base/index.js";
import { StreamEOFError } from "./errors.js";
import type { AbortOptions } from "./stream.js";

/**
 * Bytes that arrived, or null at the end. `maxBytes` is how many are missing: a source that gives no more never leaves
 * anything in a reader, so that somebody else can read on behind it. The options are those of the call that needs it.
 */
export type ReadChunk = (maxBytes: number, options?: AbortOptions) => Promise<Uint8Array | null>;

/** readExactly alone, which is all that calls need. */
export class ExactReader {
  /** @internal */
  protected readonly queue = new ByteQueue();
  constructor(private readonly readChunk: ReadChunk) {}

  /**
   * The next n bytes. Nothing is allocated for bytes that did not come. Errors: StreamEOFError when the source ends
   * first, whatever the source throws, and the signal where the source heeds it; what was read until then stays, and can be
   * read again.
   */
  async readExactly(n: number, options?: AbortOptions): Promise<Uint8Array> {
    while (this.queue.length < n) await this.more(n - this.queue.length, options);
    return this.queue.take(n);
  }

  /** Fetches at least one byte of `missing`. Errors: StreamEOFError; those of the source. */
  protected async more(missing: number, options?: AbortOptions): Promise<void> {
    const chunk = await this.readChunk(missing, options);
    if (chunk === null) throw new StreamEOFError();
    this.queue.push(chunk);
  }
}

/** Reads exact portions. One call at a time. */
export class ByteReader extends ExactReader {
  /** Skips the next n bytes without holding them. Errors as readExactly; what was skipped until then is gone. */
  async discardExactly(n: number, options?: AbortOptions): Promise<void> {
    for (let left = n; left > 0; ) {
      if (this.queue.length === 0) await this.more(left, options);
      left -= this.queue.takeChunk(left)?.length ?? 0;
    }
  }

  /** Bytes that were received and not asked for yet. */
  bufferedBytes(): number {
    return this.queue.length;
  }
}
