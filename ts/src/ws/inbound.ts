// Messages of a WebSocket that nobody has read yet, in arrival order.
// Layer ws. Bounded by bytes and by number; a Blob, which decodes asynchronously, holds back whatever came after it.

import { deferred, remove, withDeadline, type Awaitable, type Clock, type Deferred } from "../base/index.js";
import type { WsErrorReason } from "../observability/index.js";
import type { WebSocketLimits } from "./limits.js";

/** How long a read waits. */
export interface ReadOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

/** First in, first out; readers wait in the same order. */
export class InboundQueue {
  private readonly frames: Uint8Array[] = [];
  private readonly readers: Deferred<Uint8Array>[] = [];
  /** Settles when the last Blob, and whatever came behind it, has had its turn. Never rejects. */
  private blobs: Promise<void> | undefined;
  private bytes = 0;
  private messages = 0;
  private failure: Error | undefined;

  /** `onFailure` is told what ends the connection. */
  constructor(
    private readonly limits: WebSocketLimits,
    private readonly clock: Clock,
    private readonly onFailure: (reason: WsErrorReason, cause?: unknown) => void,
  ) {}

  read({ signal, timeoutMs }: ReadOptions = {}): Promise<Uint8Array> {
    if (this.failure) return Promise.reject(this.failure);
    const frame = signal?.aborted ? undefined : this.frames.shift();
    if (frame) {
      this.release(frame);
      return Promise.resolve(frame);
    }
    const reader = deferred<Uint8Array>();
    this.readers.push(reader);
    return withDeadline(reader.promise, { signal, timeoutMs, clock: this.clock }, () => remove(this.readers, reader));
  }

  /** Ends it: what is queued is dropped, every reader is rejected. The first error stays. */
  fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.frames.length = this.bytes = 0;
    for (const reader of this.readers.splice(0)) reader.reject(error);
  }

  /** Runs `step` after everything that arrived before it. */
  inOrder(step: () => Awaitable<void>): void {
    if (this.blobs) this.goOn(this.blobs.then(step));
    else step();
  }

  private goOn(blobs: Promise<void>): void {
    const onDone = () => {
      if (this.blobs === mine) this.blobs = undefined;
    };
    const mine = (this.blobs = blobs.then(onDone, onDone));
  }

  /** One message as the WebSocket gives it. */
  accept(data: unknown): void {
    if (this.failure) return;
    if (data instanceof Uint8Array) {
      const mustQueue = this.readers.length === 0 || !!this.blobs;
      if (!mustQueue || this.measure(data.length)) this.inOrder(() => this.deliver(data, mustQueue));
    } else if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
      const frame = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
      if (this.measure(frame.length)) this.inOrder(() => this.deliver(frame));
    } else if (typeof Blob !== "undefined" && data instanceof Blob) {
      if (!this.measure(data.size)) return;
      const before = this.blobs;
      const read = async () => this.deliver(new Uint8Array(await data.arrayBuffer()));
      const decode = () => read().catch((cause: unknown) => this.onFailure("error", cause));
      this.goOn(before ? before.then(decode) : decode());
    } else {
      this.inOrder(() => this.onFailure(typeof data === "string" ? "unexpected_text_frame" : "unexpected_message_type"));
    }
  }

  /** Counts a message in, from arrival on; false when it does not fit. */
  private measure(bytes: number): boolean {
    this.bytes += bytes;
    const fits = this.bytes <= this.limits.maxInboundQueuedBytes && ++this.messages <= this.limits.maxInboundQueuedMessages;
    if (!fits) this.onFailure("recv_buffer_exceeded");
    return fits;
  }

  private release(frame: Uint8Array): void {
    this.bytes -= frame.length;
    this.messages--;
  }

  private deliver(frame: Uint8Array, isCounted = true): void {
    if (this.failure) return;
    const reader = this.readers.shift();
    if (!reader) {
      this.frames.push(frame);
      return;
    }
    if (isCounted) this.release(frame);
    reader.resolve(frame);
  }
}
