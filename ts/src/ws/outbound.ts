// Frames on their way into a WebSocket, and the waiting that keeps its buffer small.
// Layer ws. Writers go on below the low mark and wait above the high one; above the hard limit the connection ends.

import { deferred, onAbort, remove, throwIfAborted, type Awaitable, type CancelTimer, type Clock, type Deferred } from "../base/index.js";
import type { WebSocketLimits } from "./limits.js";
import type { WebSocketLike } from "./socket.js";

/** A WebSocket that does not say when it drains is asked after 1 ms, 2 ms more, 3 ms more, until it is every so many. */
const mostPollMs = 10;

export interface OutboundEvents {
  onExceeded(current: number): void;
  onStalled(waiting: number): void;
  /** send() threw. */
  onSendFailed(cause: unknown): void;
}

interface Writer extends Deferred<void> {
  /** Undefined: the frame is out, the writer waits for the low mark. */
  frame: Uint8Array | undefined;
}

/** Frames leave in the order of the calls. */
export class OutboundQueue {
  private readonly writers: Writer[] = [];
  private queuedBytes = 0;
  private failure: Error | undefined;
  private draining = false;
  private stopPoll: CancelTimer = () => {};
  private stopTimeout: CancelTimer = () => {};

  constructor(
    private readonly ws: WebSocketLike,
    private readonly limits: WebSocketLimits,
    private readonly clock: Clock,
    private readonly events: OutboundEvents,
  ) {}

  write(frame: Uint8Array, signal: AbortSignal | undefined): Awaitable<void> {
    if (this.failure) throw this.failure;
    throwIfAborted(signal);
    const waiting = this.queuedBytes + this.ws.bufferedAmount + frame.length;
    if (waiting > this.limits.outboundHardLimitBytes) this.events.onExceeded(waiting);
    else if (this.draining) return this.wait(frame, signal);
    else this.send(frame);
    if (this.failure) throw this.failure as Error;
    if (!this.aboveHigh()) return;
    this.drain();
    return this.wait(undefined, signal);
  }

  /** Ends it: every writer is rejected. The first error stays. */
  fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    this.stopPoll();
    this.stopTimeout();
    this.queuedBytes = 0;
    for (const writer of this.writers.splice(0)) writer.reject(error);
  }

  private aboveHigh(): boolean {
    return this.ws.bufferedAmount > this.limits.outboundHighWatermarkBytes;
  }

  private send(frame: Uint8Array): void {
    try {
      this.ws.send(frame as Uint8Array<ArrayBuffer>);
    } catch (cause) {
      this.events.onSendFailed(cause);
    }
  }

  private wait(frame: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<void> {
    const writer: Writer = { ...deferred<void>(), frame };
    this.writers.push(writer);
    this.queuedBytes += frame?.length ?? 0;
    const stopListening = onAbort(signal, (error) => {
      if (!remove(this.writers, writer)) return;
      this.queuedBytes -= writer.frame?.length ?? 0;
      writer.reject(error);
    });
    writer.promise.then(stopListening, stopListening);
    return writer.promise;
  }

  /** Waits for the low mark, however long the writers that started it stay. */
  private drain(): void {
    this.draining = true;
    this.stopTimeout = this.clock.after(this.limits.outboundDrainTimeoutMs, () => {
      this.events.onStalled(this.queuedBytes + this.ws.bufferedAmount);
    });
    this.poll(1);
  }

  private poll(ms: number): void {
    const check = () => this.check(Math.min(ms + 1, mostPollMs));
    this.stopPoll = this.clock.after(ms, check);
    this.ws.onceDrained?.(check);
  }

  private check(nextMs: number): void {
    if (this.failure || !this.draining) return;
    this.stopPoll();
    if (this.ws.bufferedAmount > this.limits.outboundLowWatermarkBytes) return this.poll(nextMs);
    this.stopTimeout();
    this.draining = false;
    for (let writer = this.writers[0]; writer; writer = this.writers[0]) {
      if (writer.frame) {
        this.queuedBytes -= writer.frame.length;
        this.send(writer.frame);
        writer.frame = undefined;
        if (this.aboveHigh()) return this.drain();
      }
      if (this.writers[0] === writer) this.writers.shift();
      writer.resolve();
    }
  }
}
