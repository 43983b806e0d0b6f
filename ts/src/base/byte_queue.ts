// Bytes in arrival order, taken in whatever portions the reader wants.
// Layer base. Holds views, copies only where a portion spans chunks. The owner bounds `length`.

/** A first-in, first-out queue of bytes. */
export class ByteQueue {
  protected chunks: Uint8Array[] = [];
  protected first = 0; // chunks before it are gone; shift() of a long array would be quadratic
  /** Bytes inside. */
  length = 0;

  /** Appends a view, not a copy. Empty ones are dropped. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.length += chunk.length;
  }

  /** Removes the oldest chunk, at most `max` bytes of it; undefined when empty. */
  takeChunk(max = Infinity): Uint8Array | undefined {
    const chunk = this.chunks[this.first];
    if (!chunk || max <= 0) return undefined;
    if (chunk.length > max) {
      this.chunks[this.first] = chunk.subarray(max);
      this.length -= max;
      return chunk.subarray(0, max);
    }
    this.length -= chunk.length;
    this.chunks[this.first++] = empty; // a taken chunk must not be kept alive by the array
    if (this.first === this.chunks.length) this.clear();
    else if (this.first >= 64) {
      this.chunks.splice(0, this.first);
      this.first = 0;
    }
    return chunk;
  }

  /** Removes exactly n bytes, a view when they lie in one chunk. Throws RangeError when there are fewer. */
  take(n: number): Uint8Array {
    if (!(n >= 0 && n <= this.length)) throw new RangeError("fewer bytes queued");
    const one = this.takeChunk(n) ?? empty;
    if (one.length === n) return one;
    const all = new Uint8Array(n);
    all.set(one);
    for (let at = one.length; at < n; ) {
      const next = this.takeChunk(n - at) as Uint8Array;
      all.set(next, at);
      at += next.length;
    }
    return all;
  }

  /** Removes everything. */
  clear(): void {
    this.chunks = [];
    this.first = 0;
    this.length = 0;
  }
}

const empty = new Uint8Array(0);
