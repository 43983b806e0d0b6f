// Unread bytes of one stream.
// Layer yamux, private. What is held is what memory costs: a small slice must not keep the large record alive that it
// came in, nor cost an object of its own.

import { ByteQueue } from "../base/index.js";

const minChunkBytes = 512;
const maxChunkBytes = 16_384;
// From here on a slice is worth an object of its own.
const minViewBytes = 4096;

/** First in, first out. The owner bounds `length`. */
export class ReceiveQueue extends ByteQueue {
  private tail: Uint8Array | undefined; // the last chunk's memory, while it has room
  private tailUsed = 0;
  private nextTailBytes = minChunkBytes;

  override push(slice: Uint8Array): void {
    this.length += slice.length;
    // A slice that is most of its buffer costs about what it holds.
    if (slice.length >= minViewBytes && slice.length * 2 >= slice.buffer.byteLength) {
      // Room in the last chunk that nothing can fill any more is given back.
      if (this.tail) this.chunks[this.chunks.length - 1] = this.tail.slice(0, this.tailUsed);
      this.tail = undefined;
      this.nextTailBytes = minChunkBytes;
      this.chunks.push(slice);
      return;
    }
    for (let at = 0; at < slice.length; ) at += this.copy(slice.subarray(at));
  }

  private copy(slice: Uint8Array): number {
    if (!this.tail || this.tailUsed === this.tail.length) {
      // Grows from chunk to chunk, so that many small frames end up in few of them.
      this.tail = new Uint8Array(Math.min(Math.max(slice.length, this.nextTailBytes), maxChunkBytes));
      this.nextTailBytes = this.tail.length * 2;
      this.tailUsed = 0;
      this.chunks.push(this.tail);
    }
    const bytes = Math.min(slice.length, this.tail.length - this.tailUsed);
    this.tail.set(slice.subarray(0, bytes), this.tailUsed);
    this.tailUsed += bytes;
    return bytes;
  }

  override takeChunk(max?: number): Uint8Array | undefined {
    if (this.tail && this.first === this.chunks.length - 1) {
      // What the reader gets is the reader's: nothing is appended behind it any more.
      this.chunks[this.first] = this.tail.subarray(0, this.tailUsed);
      this.tail = undefined;
    }
    return super.takeChunk(max);
  }

  override clear(): void {
    super.clear();
    this.tail = undefined;
    this.nextTailBytes = minChunkBytes;
  }
}
