/// <reference lib="esnext.disposable" preserve="true" />
// A session in the server role: streams that the client opens, each with its hello, and serving calls on one of them.
// Layer session. Source: PROTOCOL, "Stream hello", "RPC server", "After connect".

import {
  asyncDispose, deferred, remove, transportDefaults, withAbort, withDeadline, type Clock, type Deferred, type FlowersecError, type FlowersecPath,
} from "../base/index.js";
import type { SecureChannel } from "../e2ee/index.js";
import type { ClientObserver } from "../observability/index.js";
import { RpcServer, rpcServerLimits, type RpcRouter, type RpcServerOptions } from "../rpc/index.js";
import { readStreamHello } from "../streamhello/index.js";
import { createByteReader } from "../streamio/index.js";
import type { AbortOptions, YamuxLimits, YamuxStream } from "../yamux/index.js";
import { rpcKind } from "./client.js";
import { failure, isAbort } from "./failure.js";
import { SessionLink } from "./link.js";
import type { Liveness } from "./liveness.js";
import { wideOf } from "./wide.js";

/** Streams and bad hellos waiting to be accepted. Those that the peer has reset meanwhile count, so it is no limit on streams. */
const maxReady = 1024;

/** A stream of the peer, its hello read. */
export interface AcceptedStream {
  readonly kind: string;
  readonly stream: YamuxStream;
}

/** What Session.create may be told. The authenticated channel has its own limits already. */
export interface SessionOptions {
  readonly yamuxLimits?: YamuxLimits | undefined;
  readonly endpointInstanceId?: string | undefined;
  readonly liveness?: Liveness | undefined;
  readonly observer?: ClientObserver | undefined;
  readonly maxOutboundBufferedBytes?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Limits of the RPC server; the signal gives up the waiting, and ends the serving. */
export interface ServeRpcOptions extends RpcServerOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A connected session in the server role. `await using` closes it when what was written has left. */
export class Session implements AsyncDisposable, AsyncIterable<AcceptedStream, undefined> {
  readonly path: FlowersecPath;
  readonly endpointInstanceId?: string;
  /**
   * How the session ended: undefined when it was closed here, yamux/timeout for a probe without an answer, else
   * close/not_connected; and why. Never rejects.
   */
  readonly ended: Promise<FlowersecError | undefined>;
  private readonly link: SessionLink;
  /** Streams whose hello was read, or the error of one that was bad. */
  private readonly ready: (AcceptedStream | FlowersecError)[] = [];
  private readonly waiting: Deferred<AcceptedStream>[] = [];
  /** Hellos under way. */
  private greeting = 0;
  private over = false;
  private isClosed = false;

  private constructor(path: FlowersecPath, channel: SecureChannel, private readonly options: SessionOptions) {
    this.path = path;
    if (options.endpointInstanceId !== undefined) this.endpointInstanceId = options.endpointInstanceId;
    this.link = new SessionLink({ ...options, path, client: false, channel, wide: wideOf(channel), onIncomingStream: (stream) => void this.greet(stream) });
    this.ended = this.link.ended;
    void this.ended.then(() => this.failWaiters());
  }

  /** Multiplexes a channel that has been authenticated. Throws RangeError for limits that cannot be. */
  static create(path: FlowersecPath, channel: SecureChannel, options: SessionOptions = {}): Session {
    return new Session(path, channel, options);
  }

  /**
   * The next stream of the peer. Hellos are read side by side; one that is bad, or does not come within 10 s, resets its
   * stream. A bad hello may be told before a stream that was opened earlier: whoever stops at the first error misses that.
   * Once the peer has left, what had arrived from it is still accepted and read. Errors: rpc/stream_hello_failed, after which
   * the next one may be accepted; yamux/canceled, no stream is lost; yamux/accept_stream_failed when no more will come.
   */
  async acceptStream(options: { signal?: AbortSignal | undefined } = {}): Promise<AcceptedStream> {
    if (options.signal?.aborted) throw failure(this.path, "yamux", "canceled", options.signal.reason);
    const next = this.ready.shift();
    if (next !== undefined && "kind" in next) return next;
    if (next !== undefined) throw next;
    if (this.over && !(this.mayRead() && this.greeting > 0)) throw this.noMore();
    const waiter = deferred<AcceptedStream>();
    this.waiting.push(waiter);
    try {
      return await withAbort(waiter.promise, options.signal, () => remove(this.waiting, waiter));
    } catch (error) {
      throw isAbort(error) ? failure(this.path, "yamux", "canceled", error) : error;
    }
  }

  /**
   * The streams of the peer until the session ends, in order or not: `ended` says how. Bad hellos are passed over. Leaving
   * the loop leaves the session alone. What the loop does with a stream may fail; that is for the loop to catch.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<AcceptedStream, undefined> {
    for (;;) {
      let accepted: AcceptedStream;
      try {
        accepted = await this.acceptGood();
      } catch {
        return undefined;
      }
      yield accepted;
    }
  }

  /** Opens a stream to the client. Errors as those of a client's openStream. */
  openStream(kind: string, options?: { signal?: AbortSignal | undefined }): Promise<YamuxStream> {
    return this.link.openStream(kind, options);
  }

  /**
   * Waits for a stream of kind rpc, resetting any other, and serves it to its end. Errors: those of acceptStream but for bad
   * hellos, which are passed over; validate/invalid_option for a limit, before any stream is taken; yamux/canceled;
   * rpc/rpc_failed for a client that breaks the rules.
   */
  async serveRPC(router: RpcRouter, options: ServeRpcOptions = {}): Promise<void> {
    const { signal, ...limits } = options;
    try {
      rpcServerLimits(limits);
    } catch (error) {
      throw failure(this.path, "validate", "invalid_option", error);
    }
    for (;;) {
      const { kind, stream } = await this.acceptGood({ signal });
      if (kind === rpcKind) return this.serveStream(stream, router, limits, signal);
      stream.reset();
    }
  }

  /**
   * One round trip, in milliseconds. Errors: yamux/timeout, yamux/ping_failed, both end the session; yamux/canceled, which
   * does not.
   */
  probeLiveness(timeoutMs?: number, options?: AbortOptions): Promise<number> {
    return this.link.probe(timeoutMs, options);
  }

  /** Sends one keep-alive record; nothing answers it. Errors: secure/ping_failed, secure/canceled: the waiting was given up. */
  ping(options?: AbortOptions): Promise<void> {
    return this.link.ping(options);
  }

  /** Moves our sending direction to a new key. Errors: secure/rekey_failed, secure/canceled: the waiting was given up. */
  rekey(options?: AbortOptions): Promise<void> {
    return this.link.rekey(options);
  }

  /** Ends the session at once; whoever waits is rejected. Once is enough. Throws when closing the WebSocket does. */
  close(): void {
    this.isClosed = true;
    this.failWaiters();
    this.link.close();
  }

  /** close(), after what was written has left, for which it has 2 s. */
  async [asyncDispose](): Promise<void> {
    await this.link.closeGently();
  }

  /** acceptStream, passing over bad hellos. */
  private async acceptGood(options?: { signal?: AbortSignal | undefined }): Promise<AcceptedStream> {
    for (;;) {
      try {
        return await this.acceptStream(options);
      } catch (error) {
        if ((error as FlowersecError).code !== "stream_hello_failed") throw error;
      }
    }
  }

  private async serveStream(stream: YamuxStream, router: RpcRouter, limits: RpcServerOptions, signal: AbortSignal | undefined): Promise<void> {
    const reader = createByteReader(stream);
    const transport = {
      readExactly: (n: number) => reader.readExactly(n),
      write: (bytes: Uint8Array) => stream.write(bytes),
      close: (error?: unknown) => (error === undefined ? stream.close() : stream.reset(error)),
    };
    try {
      await new RpcServer(transport, limits, router).serve(signal);
    } catch (error) {
      stream.reset(error);
      throw isAbort(error) ? failure(this.path, "yamux", "canceled", error) : failure(this.path, "rpc", "rpc_failed", error);
    }
  }

  private async greet(stream: YamuxStream): Promise<void> {
    let outcome: AcceptedStream | FlowersecError;
    this.greeting++;
    try {
      const reader = createByteReader(stream);
      const hello = readStreamHello((n) => reader.readExactly(n));
      const { kind } = await withDeadline(hello, { timeoutMs: transportDefaults.handshakeTimeoutMs, clock: this.options.clock });
      outcome = { kind, stream };
    } catch (error) {
      stream.reset(error);
      outcome = failure(this.path, "rpc", "stream_hello_failed", error);
    }
    this.greeting--;
    // A hello that the end of the session cut off is none that was bad.
    const counts = "kind" in outcome ? this.mayRead() : this.link.error === undefined;
    if (counts) this.offer(outcome, stream);
    if (this.over) this.failWaiters();
  }

  private offer(outcome: AcceptedStream | FlowersecError, stream: YamuxStream): void {
    const waiter = this.waiting.shift();
    if (waiter === undefined && this.ready.length < maxReady) this.ready.push(outcome);
    else if (waiter === undefined) stream.reset();
    else if ("kind" in outcome) waiter.resolve(outcome);
    else waiter.reject(outcome);
  }

  /** Whether streams still hold what arrived: while the session lives, and when it was the peer who left. */
  private mayRead(): boolean {
    return !this.isClosed && (this.link.error === undefined || this.link.error.code === "transport_closed");
  }

  private failWaiters(): void {
    this.over = true;
    if (!this.mayRead()) this.ready.length = 0;
    else if (this.greeting > 0) return; // they will not take long: nothing more arrives
    for (const waiter of this.waiting.splice(0)) waiter.reject(this.noMore());
  }

  private noMore(): FlowersecError {
    return failure(this.path, "yamux", "accept_stream_failed", this.link.error);
  }
}
