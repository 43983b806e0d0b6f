/// <reference lib="esnext.disposable" preserve="true" />
// One multiplexed session over a channel: carries out what the machine wants done.
// Layer yamux. The read loop never waits for a write, and what waits to be written is bounded. Source: PROTOCOL, "Yamux".

import {
  asyncDispose, type Awaitable, type Clock, concat, type Deferred, deferred, isPromise, lengthOf, quietly, systemClock,
  throwIfAborted, TimeoutError, withDeadline,
} from "../base/index.js";
import { YamuxCore } from "./core.js";
import { YamuxError, type YamuxErrorCode, YamuxPingTimeoutError } from "./errors.js";
import { HEADER_LEN } from "./frame.js";
import { checkYamuxLimits, defaultBatchBytes, defaultUnsentBytes, type YamuxLimits } from "./limits.js";
import { type AbortOptions, YamuxStream } from "./stream.js";
import type { YamuxCounters, YamuxDiagnostic } from "./stream_table.js";
import type { WideWindows } from "./wide_windows.js";

/** The ordered bytes that a session runs over. */
export interface YamuxChannel {
  /** What arrived, in any portions. Rejects when nothing will come any more. */
  read(): Promise<Uint8Array>;
  /** Sends all bytes behind those of earlier calls; settles when it can take more. The bytes are the channel's from then on. */
  write(bytes: Uint8Array): Awaitable<void>;
  /** The same for parts, as if they were one. They may change once it has returned. Without it they are joined first. */
  writeParts?(parts: readonly Uint8Array[]): Awaitable<void>;
  /** Ends it, and every waiting read. */
  close(): void;
}

/** How a YamuxSession is set up. */
export interface YamuxSessionOptions {
  /** The client opens odd stream ids, the server even ones. */
  readonly client: boolean;
  /** A stream of the peer, acknowledged already. Without this function, or when it throws or rejects, such streams are reset. */
  readonly onIncomingStream?: ((stream: YamuxStream) => void) | undefined;
  /** Short for limits.maxFrameBytes. */
  readonly maxFrameBytes?: number | undefined;
  readonly limits?: YamuxLimits | undefined;
  /**
   * Both sides have agreed on wide windows. Default: they have not.
   * @internal
   */
  readonly wide?: WideWindows | undefined;
  /** A limit turned somebody away. */
  readonly onDiagnostic?: ((diagnostic: YamuxDiagnostic) => void) | undefined;
  /** The session ended, and not by close(). Called once. */
  readonly onTerminal?: ((error: YamuxError) => void) | undefined;
  /** Most bytes of one write to the channel; the plaintext of one record serves best. Default 65536, at least 13. */
  readonly maxBatchBytes?: number | undefined;
  /** Most bytes of writes that the channel has not settled, so that several can be sealed at once. Default 262144. */
  readonly maxUnsentBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Streams over one channel. Reading starts with the constructor, which throws RangeError for limits that cannot be. */
export class YamuxSession implements AsyncDisposable {
  /** @internal */
  readonly core: YamuxCore;
  /** @internal */
  readonly clock: Clock;
  private readonly batchBytes: number;
  private readonly unsentLimit: number;
  private unsent = 0;
  private isScheduled = false;
  private ending: YamuxError | undefined;
  private probe: Deferred<number> | undefined;

  constructor(
    private readonly channel: YamuxChannel,
    private readonly options: YamuxSessionOptions,
  ) {
    const { limits, maxFrameBytes, maxBatchBytes = defaultBatchBytes, clock = systemClock } = options;
    this.core = new YamuxCore(options.client, checkYamuxLimits({ maxFrameBytes, ...limits }), options.wide);
    this.unsentLimit = options.maxUnsentBytes ?? defaultUnsentBytes;
    this.batchBytes = Math.min(maxBatchBytes, this.unsentLimit);
    if (!(this.batchBytes > HEADER_LEN)) throw new RangeError("maxBatchBytes, maxUnsentBytes: at least 13");
    this.clock = clock;
    void this.readLoop();
  }

  /** Why the session ended; undefined while it lives. */
  get error(): YamuxError | undefined {
    return this.ending;
  }
  /** Streams alive, of both origins. */
  get activeStreams(): number {
    return this.core.activeStreams;
  }
  /** Received bytes that nobody has read. */
  get unreadBytes(): number {
    return this.core.unreadBytes;
  }
  /** Counts since the session began. */
  get counters(): Readonly<YamuxCounters> {
    return this.core.counters;
  }

  /**
   * Opens a stream; data may be written at once. Errors: YamuxResourceExhaustedError (active_streams), YamuxError
   * ids_exhausted, the session's end, AbortError.
   */
  async openStream(options: AbortOptions = {}): Promise<YamuxStream> {
    throwIfAborted(options.signal);
    if (this.ending) throw this.ending;
    try {
      return new YamuxStream(this, this.core.open());
    } finally {
      this.schedule();
    }
  }

  /** The living stream of an id. */
  getStream(id: number): YamuxStream | undefined {
    return this.core.streams.get(id)?.owner as YamuxStream | undefined;
  }

  /**
   * One round trip, in milliseconds. Calls at the same time share a ping. Errors: YamuxPingTimeoutError after `timeoutMs`
   * (more than 0), which ends the session; AbortError, which does not; the session's end.
   */
  async probeLiveness(timeoutMs = 10_000, options: AbortOptions = {}): Promise<number> {
    if (!(timeoutMs > 0)) throw new RangeError("timeoutMs must be more than 0");
    throwIfAborted(options.signal);
    if (this.ending) throw this.ending;
    if (!this.probe) {
      this.probe = deferred();
      this.core.startProbe(this.clock.monoMs());
      this.schedule();
    }
    try {
      return await withDeadline(this.probe.promise, { signal: options.signal, timeoutMs, clock: this.clock });
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      const late = new YamuxPingTimeoutError();
      this.end("ping_timeout", late);
      throw late;
    }
  }

  /** Ends the session, every stream and the channel. Once is enough, more is harmless. */
  close(): void {
    this.end("closed");
  }

  /** close(). */
  async [asyncDispose](): Promise<void> {
    this.close();
  }

  // ---- running

  private async readLoop(): Promise<void> {
    try {
      while (!this.ending) {
        this.core.receive(await this.channel.read());
        this.tell(); // first, so that what it makes the application do shares the batch
        this.pump();
      }
    } catch (cause) {
      this.end("transport_closed", undefined, cause);
    }
  }

  /** @internal */
  schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => {
      this.isScheduled = false;
      this.pump();
    });
  }

  /**
   * Gives the channel what it can take, then tells everybody what changed.
   * @internal
   */
  pump(): void {
    while (!this.core.ended) {
      const { batchBytes, core, unsent } = this;
      // Behind what is on its way only full batches follow; what is less gathers until that has arrived.
      if (unsent > 0 && (unsent + batchBytes > this.unsentLimit || core.outputBytes(batchBytes) < batchBytes)) break;
      const batch = core.nextBatch(batchBytes);
      if (!batch) break;
      this.send(batch);
    }
    this.tell();
  }

  private send(parts: readonly Uint8Array[]): void {
    const { channel } = this;
    const bytes = lengthOf(parts);
    const sent = () => {
      this.unsent -= bytes;
    };
    const failed = (cause: unknown) => this.end("transport_closed", undefined, cause);
    this.unsent += bytes;
    try {
      const sending = channel.writeParts ? channel.writeParts(parts) : channel.write(concat(...parts));
      if (!isPromise(sending)) return sent();
      sending.then(() => {
        sent();
        this.pump();
      }, failed);
    } catch (cause) {
      failed(cause);
    }
  }

  private tell(): void {
    const { core, options } = this;
    if (core.ended && !this.ending) return this.finish();
    // First, as whoever reads may ask again.
    if (core.probeAnswered) {
      core.probeAnswered = false;
      core.roundTripMs = this.clock.monoMs() - core.probedAtMs;
      this.probe?.resolve(core.roundTripMs);
      this.probe = undefined;
    }
    for (const state of core.opened.splice(0)) {
      if (state.isOpen) this.offer(new YamuxStream(this, state));
    }
    const touched = [...core.touched];
    core.touched.clear();
    for (const state of touched) state.owner?.update();
    for (const diagnostic of core.diagnostics.splice(0)) quietly(() => options.onDiagnostic?.(diagnostic));
  }

  private offer(stream: YamuxStream): void {
    const { options } = this;
    quietly(() => (options.onIncomingStream ? options.onIncomingStream(stream) : stream.reset()), (error) => stream.reset(error));
  }

  private end(why: YamuxErrorCode, error?: YamuxError, cause?: unknown): void {
    this.core.end(why);
    this.finish(cause, error);
  }

  /** Once the machine has ended: ends the rest, first what waits, then the channel. */
  private finish(cause?: unknown, error?: YamuxError): void {
    const why = this.core.ended;
    if (this.ending || !why) return;
    this.ending = error ?? new YamuxError(why, cause === undefined ? undefined : { cause });
    this.tell();
    this.probe?.reject(this.ending);
    this.probe = undefined;
    quietly(() => this.channel.close());
    const { ending } = this;
    if (why !== "closed") quietly(() => this.options.onTerminal?.(ending));
  }
}
