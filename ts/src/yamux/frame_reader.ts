// Finds the frames in the bytes that arrive, in whatever portions.
// Layer yamux, private. Holds at most part of one header.

import { HEADER_LEN, readHeader, TYPE_DATA, type YamuxHeader } from "./frame.js";

export interface FrameSink {
  onHeader(header: YamuxHeader): void;
  /** Part of the body of the last header. */
  onBody(slice: Uint8Array): void;
  /** The Data frame of the last header is complete. */
  onBodyEnd(): void;
}

export class FrameReader {
  private readonly partial = new Uint8Array(HEADER_LEN);
  private partialUsed = 0;
  private bodyLeft = 0;
  /** Nothing more is looked at. */
  isStopped = false;

  /** Throws what readHeader throws. */
  receive(bytes: Uint8Array, sink: FrameSink): void {
    for (let at = 0; at < bytes.length && !this.isStopped; ) {
      if (this.bodyLeft > 0) {
        const slice = bytes.subarray(at, at + this.bodyLeft);
        at += slice.length;
        this.bodyLeft -= slice.length;
        sink.onBody(slice);
        if (this.bodyLeft === 0) sink.onBodyEnd();
      } else if (this.partialUsed === 0 && bytes.length - at >= HEADER_LEN) {
        this.onHeader(readHeader(bytes, at), sink);
        at += HEADER_LEN;
      } else {
        const part = bytes.subarray(at, at + HEADER_LEN - this.partialUsed);
        this.partial.set(part, this.partialUsed);
        at += part.length;
        this.partialUsed += part.length;
        if (this.partialUsed < HEADER_LEN) return;
        this.partialUsed = 0;
        this.onHeader(readHeader(this.partial, 0), sink);
      }
    }
  }

  private onHeader(header: YamuxHeader, sink: FrameSink): void {
    if (header.type === TYPE_DATA) this.bodyLeft = header.length;
    sink.onHeader(header);
    if (header.type === TYPE_DATA && header.length === 0) sink.onBodyEnd();
  }
}
