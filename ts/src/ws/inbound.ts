// Messages of a WebSocket that nobody has read yet, in arrival order.
// Layer ws. Bounded by bytes, of which each message costs some; a Blob, which decodes asynchronously, holds back whatever came after it.

import { deferred, withDeadline, type Clock, type Deferred } from "../base/index.js";
import type { WsErrorReason } from "../observability/index.js";

/** What a message that waits is charged beside its bytes, for it costs memory even when it is empty. */
export const messageCostBytes = 256;

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

export interface InboundEvents {
  /** What ends the connection. `close`: the socket has to be closed too. */
  onFailure(reason: WsErrorReason, error: Error, close: boolean): void;
}

/** First in, first out; readers wait in the same order. */
export class InboundQueue {
  private readonly frames: Uint8Array[] = [];
  private readonly readers: Deferred<Uint8Array>[] = [];
  private readonly behindBlob: (() => void)[] = [];
  private decoding = false;
  private bytes = 0;
  private failure: Error | undefined;

  constructor(
    private readonly maxBytes: number,
    private readonly clock: Clock,
    private readonly events: InboundEvents,
  ) {}

  read({ signal, timeoutMs }: ReadOptions = {}): Promise<Uint8Array> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const frame = signal?.aborted ? undefined : this.frames.shift();
    if (frame !== undefined) {
      this.release(frame);
      return Promise.resolve(frame);
    }
    const reader = deferred<Uint8Array>();
    this.readers.push(reader);
    return withDeadline(reader.promise, { signal, timeoutMs, clock: this.clock }, () => {
      const at = this.readers.indexOf(reader);
      if (at >= 0) this.readers.splice(at, 1);
    });
  }

  /** Ends it: what is queued is dropped, every reader is rejected. The first error stays. */
  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.frames.length = this.behindBlob.length = this.bytes = 0;
    for (const reader of this.readers.splice(0)) reader.reject(error);
  }

  /** Runs `step` after everything that arrived before it. */
  inOrder(step: () => void): void {
    if (this.decoding) this.behindBlob.push(step);
    else step();
  }

  /** One message as the WebSocket gives it. */
  accept(data: unknown): void {
    if (this.failure !== undefined) return;
    if (typeof data === "string") return this.refuse("unexpected_text_frame", "text message");
    if (data instanceof Uint8Array) {
      const mustQueue = this.readers.length === 0 || this.decoding;
      if (!mustQueue || this.measure(data.length)) this.inOrder(() => this.deliver(data, mustQueue));
    } else if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
      const frame = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
      if (this.measure(frame.length)) this.inOrder(() => this.deliver(frame, true));
    } else if (typeof Blob !== "undefined" && data instanceof Blob) {
      if (this.measure(data.size)) this.inOrder(() => this.decode(data));
    } else {
      this.refuse("unexpected_message_type", "unknown message type");
    }
  }

  private refuse(reason: WsErrorReason, text: string): void {
    this.inOrder(() => this.events.onFailure(reason, new Error(text), false));
  }

  /** Counts a message in, from arrival on; false when its bytes do not fit. */
  private measure(bytes: number): boolean {
    if (this.bytes + bytes > this.maxBytes) {
      this.events.onFailure("recv_buffer_exceeded", new Error("too many bytes received and not read"), true);
      return false;
    }
    this.bytes += bytes + messageCostBytes;
    return true;
  }

  private release(frame: Uint8Array): void {
    this.bytes -= frame.length + messageCostBytes;
  }

  private deliver(frame: Uint8Array, counted: boolean): void {
    const reader = this.readers.shift();
    if (reader === undefined) {
      this.frames.push(frame);
      return;
    }
    if (counted) this.release(frame);
    reader.resolve(frame);
  }

  private decode(blob: Blob): void {
    this.decoding = true;
    const goOn = (step: () => void) => {
      this.decoding = false;
      if (this.failure === undefined) step();
      while (!this.decoding && this.behindBlob.length > 0) this.behindBlob.shift()?.();
    };
    blob.arrayBuffer().then(
      (data) => goOn(() => this.deliver(new Uint8Array(data), true)),
      (cause: unknown) => goOn(() => this.events.onFailure("error", new Error("unreadable message", { cause }), false)),
    );
  }
}
