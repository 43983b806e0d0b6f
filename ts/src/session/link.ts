// What both roles share once the handshake is over: streams with a hello, pings, keys, probes, the end.
// Layer session. Source: PROTOCOL, "After connect", "Stream hello", "Liveness".

import {
  deferred, onAbort, systemClock, throwIfAborted, trimmed, withAbort, withDeadline, type Clock, type FlowersecError, type FlowersecErrorCode, type FlowersecPath,
  type FlowersecStage,
} from "../base/index.js";
import type { SecureChannel } from "../e2ee/index.js";
import { tell, type ClientObserver } from "../observability/index.js";
import { writeStreamHello } from "../streamhello/index.js";
import {
  isYamuxPingTimeoutError, isYamuxResourceExhaustedError, YamuxSession, type AbortOptions, type WideWindows, type YamuxError, type YamuxLimits, type YamuxStream,
} from "../yamux/index.js";
import { failure, isAbort } from "./failure.js";
import { keepProbing, noLiveness, type Liveness } from "./liveness.js";

/** How long what was written may take to leave when a session is let go of. */
const flushMs = 2000;
/** What yamux may have under way in the channel, as many records as are sealed ahead; less when the channel holds less. */
const mostUnsentBytes = 524_288;

export interface LinkOptions {
  readonly path: FlowersecPath;
  /** The client opens odd stream ids. */
  readonly client: boolean;
  readonly channel: SecureChannel;
  readonly yamuxLimits?: YamuxLimits | undefined;
  /** Both sides have agreed on wide windows. */
  readonly wide?: WideWindows | undefined;
  readonly observer?: ClientObserver | undefined;
  readonly liveness?: Liveness | undefined;
  /** What the channel holds of accepted writes; absent or 0: enough. */
  readonly maxOutboundBufferedBytes?: number | undefined;
  readonly onIncomingStream?: ((stream: YamuxStream) => void) | undefined;
  readonly endpointInstanceId?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** One session over one secure channel. Constructing throws RangeError for limits that cannot be. */
export class SessionLink {
  readonly path: FlowersecPath;
  readonly endpointInstanceId?: string;
  /**
   * How it ended: undefined when it was closed here, yamux/timeout for a probe without an answer, else close/not_connected;
   * with the cause. Never rejects.
   */
  readonly ended: Promise<FlowersecError | undefined>;
  private readonly mux: YamuxSession;
  private readonly stopProbing: (() => void) | undefined;
  private readonly resolveEnded: (how: FlowersecError | undefined) => void;
  private readonly closeErrors: unknown[] = [];
  private readonly clock: Clock;

  constructor(private readonly options: LinkOptions) {
    const { path, channel, client, yamuxLimits, onIncomingStream, maxOutboundBufferedBytes, endpointInstanceId, liveness = noLiveness } = options;
    this.path = path;
    if (endpointInstanceId !== undefined) this.endpointInstanceId = endpointInstanceId;
    const { promise, resolve } = deferred<FlowersecError | undefined>();
    this.ended = promise;
    this.resolveEnded = resolve;
    this.clock = options.clock ?? systemClock;
    this.mux = new YamuxSession(
      {
        read: () => channel.read(),
        write: (bytes) => channel.write(bytes),
        writeParts: (parts) => channel.writeParts(parts),
        close: () => {
          // Before the channel, and whoever waits for the end, are told.
          if (isYamuxPingTimeoutError(this.error)) tell(options.observer, { stage: "yamux", code: "liveness_timeout", result: "fail" });
          try {
            channel.close();
          } catch (error) {
            this.closeErrors.push(error);
          }
        },
      },
      {
        client,
        limits: yamuxLimits,
        wide: options.wide,
        clock: this.clock,
        onIncomingStream,
        maxUnsentBytes: Math.min(mostUnsentBytes, maxOutboundBufferedBytes || mostUnsentBytes),
        onDiagnostic: (diagnostic) => tell(options.observer, { stage: "yamux", result: "fail", ...diagnostic }),
        onTerminal: (error) => this.end(endOf(path, error, "close", "not_connected")),
      },
    );
    this.stopProbing = keepProbing(liveness.intervalMs, () => this.probe(), this.clock);
  }

  /** Why it ended, of the layer that noticed; undefined while it lives. */
  get error(): YamuxError | undefined {
    return this.mux.error;
  }

  /**
   * Opens a stream and writes its hello. The signal covers both; aborting resets the stream. Errors: rpc/missing_stream_kind,
   * yamux/canceled, yamux/resource_exhausted, yamux/open_stream_failed, rpc/stream_hello_failed. None ends the session.
   */
  async openStream(kind: string, options: { signal?: AbortSignal | undefined } = {}): Promise<YamuxStream> {
    const { path } = this;
    const { signal } = options;
    const name = trimmed(kind);
    if (!name) throw failure(path, "rpc", "missing_stream_kind");
    let stream: YamuxStream;
    try {
      throwIfAborted(signal);
      stream = await this.mux.openStream();
    } catch (error) {
      if (isAbort(error)) throw failure(path, "yamux", "canceled", error);
      throw failure(path, "yamux", isYamuxResourceExhaustedError(error) ? "resource_exhausted" : "open_stream_failed", error);
    }
    const stopListening = onAbort(signal, (error) => stream.reset(error));
    try {
      await writeStreamHello((bytes) => stream.write(bytes), name);
      throwIfAborted(signal);
      return stream;
    } catch (error) {
      stream.reset(error);
      if (signal?.aborted) throw failure(path, "yamux", "canceled", signal.reason);
      throw failure(path, "rpc", "stream_hello_failed", error);
    } finally {
      stopListening();
    }
  }

  /** Sends one keep-alive record, which has no answer. Errors: secure/ping_failed, secure/canceled. */
  ping(options?: AbortOptions): Promise<void> {
    return this.control((channel) => channel.sendPing(), "ping_failed", options);
  }

  /** Moves the sending direction to a new key. Errors: secure/rekey_failed, secure/canceled. */
  rekey(options?: AbortOptions): Promise<void> {
    return this.control((channel) => channel.rekeyNow(), "rekey_failed", options);
  }

  private async control(start: (channel: SecureChannel) => Promise<void>, code: FlowersecErrorCode, { signal }: AbortOptions = {}): Promise<void> {
    try {
      throwIfAborted(signal);
      await withAbort(start(this.options.channel), signal);
    } catch (error) {
      throw failure(this.path, "secure", isAbort(error) ? "canceled" : code, error);
    }
  }

  /** One round trip, in milliseconds. Errors: yamux/timeout, yamux/ping_failed; both end the session. yamux/canceled. */
  async probe(timeoutMs?: number, options?: AbortOptions): Promise<number> {
    const { path } = this;
    const { liveness = noLiveness } = this.options;
    try {
      return await this.mux.probeLiveness(timeoutMs ?? liveness.timeoutMs, options);
    } catch (error) {
      if (isAbort(error)) throw failure(path, "yamux", "canceled", error);
      if (error instanceof RangeError) throw failure(path, "validate", "invalid_option", error);
      throw endOf(path, error, "yamux", "ping_failed"); // which is why the session has ended
    }
  }

  /** Ends the session, every stream and the channel, at once. Throws AggregateError when the transport did. */
  close(): void {
    this.end(undefined);
    this.mux.close();
    const errors = this.closeErrors.splice(0);
    if (errors.length > 0) throw new AggregateError(errors, "closing failed");
  }

  /** close(), after what was written has left, for which it has 2 s. */
  async closeGently(): Promise<void> {
    if (!this.mux.error) {
      // Behind everything that the channel has accepted.
      await withDeadline(this.options.channel.sendPing(), { timeoutMs: flushMs, clock: this.clock }).catch(() => {});
    }
    this.close();
  }

  private end(how: FlowersecError | undefined): void {
    this.stopProbing?.();
    this.resolveEnded(how);
  }
}

/** A probe without an answer is called so by all who meet it. */
function endOf(path: FlowersecPath, cause: unknown, stage: FlowersecStage, code: FlowersecErrorCode): FlowersecError {
  return isYamuxPingTimeoutError(cause) ? failure(path, "yamux", "timeout", cause) : failure(path, stage, code, cause);
}
