// The calling end of an RPC stream: numbers requests, matches responses, passes notifications on.
// Layer rpc. The stream hello is not its business. Source: PROTOCOL, "RPC calls".

import { type Deferred, deferred, onAbort, quietly, withAbort } from "../base/index.js";
import type { ReadExactly, Write } from "../framing/index.js";
import type { RpcCaller, RpcReply } from "../gen/flowersec_runtime.gen.js";
import { EnvelopeReader, envelopeFrame } from "./envelope.js";
import { RpcStreamError } from "./errors.js";
import { Subscriptions } from "./subscriptions.js";

/** How a call ended; handler_not_found is the peer's code 404. */
export type RpcCallOutcome = "ok" | "rpc_error" | "handler_not_found" | "transport_error" | "canceled";

/** Who counts calls. What it throws is swallowed. */
export interface RpcObserver {
  /** A call ended; seconds since it was made. */
  onRpcCall?(result: RpcCallOutcome, elapsedSeconds: number): void;
  /** A notification came, whether somebody listens or not. */
  onRpcNotify?(): void;
}

/** How an RpcClient is set up. All may be left out. */
export interface RpcClientOptions {
  readonly observer?: RpcObserver | undefined;
  /** The stream ended, and not by close(). Called once, after every pending call was rejected. */
  readonly onTerminal?: ((error: RpcStreamError) => void) | undefined;
  /** Id of the first call. Default 1. */
  readonly firstId?: number | undefined;
}

/** Calls over one stream. Reading starts with the constructor. */
export class RpcClient implements RpcCaller {
  private readonly pending = new Map<number, Deferred<RpcReply>>();
  private readonly subscriptions = new Subscriptions();
  private nextId: number;
  private ended: RpcStreamError | undefined;

  /** `readExactly` and `write` are the stream's; one write is one whole envelope. */
  constructor(
    readExactly: ReadExactly,
    private readonly write: Write,
    private readonly options: RpcClientOptions = {},
  ) {
    this.nextId = options.firstId ?? 1;
    void this.readLoop(new EnvelopeReader(readExactly));
  }

  /** Calls without an answer. */
  get callsInFlight(): number {
    return this.pending.size;
  }

  /**
   * Sends one request and waits for its response, whose `error` is the peer's refusal. `payload` is any JSON value. Aborting
   * rejects with the signal's reason; the peer does not learn of it, and a late response is dropped.
   * Errors: RpcStreamError; BadMessageError and JsonFramingError for what cannot be sent; what the write rejects with.
   */
  async call(typeId: number, payload: unknown, signal?: AbortSignal): Promise<RpcReply> {
    signal?.throwIfAborted();
    if (this.ended) throw this.ended;
    if (this.nextId > Number.MAX_SAFE_INTEGER) throw new RpcStreamError("ids_exhausted");
    const frame = envelopeFrame(typeId, { requestId: this.nextId }, payload);
    const id = this.nextId++;
    const startedAt = performance.now();
    const answer = deferred<RpcReply>();
    this.pending.set(id, answer);
    const stopListening = onAbort(signal, () => answer.reject(signal?.reason));
    try {
      void this.send(frame).catch(answer.reject);
      const reply = await answer.promise;
      this.count(outcomeOf(reply), startedAt);
      return reply;
    } catch (error) {
      this.count(signal?.aborted ? "canceled" : "transport_error", startedAt);
      throw error;
    } finally {
      this.pending.delete(id);
      stopListening();
    }
  }

  /** Sends one notification; settles when it is on its way. Aborting gives up the waiting only. Errors as call(). */
  async notify(typeId: number, payload: unknown, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.ended) throw this.ended;
    await withAbort(this.send(envelopeFrame(typeId, {}, payload)), signal).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }

  /** Hears notifications of a type, until the function that is returned is called. What the handler throws is swallowed. */
  onNotify(typeId: number, handler: (payload: unknown) => void): () => void {
    return this.subscriptions.add(typeId, handler);
  }

  /** Rejects every pending call, and all further ones. The stream is its owner's to end. */
  close(): void {
    this.end(new RpcStreamError("closed"));
  }

  private async send(frame: Uint8Array): Promise<void> {
    await this.write(frame);
  }

  private async readLoop(reader: EnvelopeReader): Promise<void> {
    try {
      while (!this.ended) {
        const { envelope } = await reader.next();
        const { type_id: typeId, request_id: requestId, response_to: responseTo, payload, error } = envelope;
        if (responseTo !== 0) this.pending.get(responseTo)?.resolve({ payload: payload ?? null, ...(error && { error }) });
        else if (requestId === 0) this.onNotification(typeId, payload ?? null);
        // A request is never sent to a client, and skipped.
      }
    } catch (error) {
      this.end(error as RpcStreamError);
    }
  }

  private onNotification(typeId: number, payload: unknown): void {
    if (this.ended) return;
    quietly(() => this.options.observer?.onRpcNotify?.());
    this.subscriptions.deliver(typeId, payload);
  }

  private end(error: RpcStreamError): void {
    if (this.ended) return;
    this.ended = error;
    for (const answer of this.pending.values()) answer.reject(error);
    if (error.code !== "closed") quietly(() => this.options.onTerminal?.(error));
  }

  private count(outcome: RpcCallOutcome, startedAt: number): void {
    quietly(() => this.options.observer?.onRpcCall?.(outcome, (performance.now() - startedAt) / 1000));
  }
}

function outcomeOf(reply: RpcReply): RpcCallOutcome {
  if (!reply.error) return "ok";
  return reply.error.code === 404 ? "handler_not_found" : "rpc_error";
}
