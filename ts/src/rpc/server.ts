// The serving end of an RPC stream: admission, order, and what the peer is answered.
// Layer rpc. The stream hello is not its business. Source: PROTOCOL, "RPC server", "Malformed envelopes".

import { type Awaitable, deferred, onAbort, rpcServerDefaults, withAbort } from "../base/index.js";
import type { ReadExactly, Write } from "../framing/index.js";
import { decodeRpcEnvelope, type RpcEnvelope, type RpcError } from "../gen/flowersec/rpc/v1.gen.js";
import type { RpcRegistrar, RpcReply } from "../gen/flowersec_runtime.gen.js";
import { EnvelopeReader, envelopeFrame, type ReceivedEnvelope } from "./envelope.js";
import { RpcStreamError } from "./errors.js";
import { type RpcHandler, RpcRouter } from "./router.js";

/** The stream that a server serves. */
export interface RpcServerTransport {
  readExactly: ReadExactly;
  /** One call is one whole envelope; the next one follows when it has settled. */
  write: Write;
  /** Called once, at the end. `error` is absent when the end was in order; otherwise the stream is to be reset. */
  close(error?: unknown): Awaitable<void>;
}

/** What an RpcServer holds at most. A value that makes no sense is a RangeError. Source: docs/LIMITS.md. */
export interface RpcServerOptions {
  /** Requests whose responses were not written yet. More than 0; default 32. */
  readonly maxConcurrentRequests?: number | undefined;
  /** Requests waiting beyond them; one more is answered 429 at once. Default 128. */
  readonly maxQueuedRequests?: number | undefined;
  /** Notifications waiting behind the one being handled; one more ends the stream. Default 128. */
  readonly maxQueuedNotifications?: number | undefined;
}

/**
 * Text of all admitted requests and notifications. A request above it is answered 429, a notification ends the stream. What
 * waits is held as text; what runs is objects, which may take twelve times as much.
 */
const maxHeldBytes = 16_777_216;
/** Refusals waiting to be written. One more ends the stream: the peer does not read. */
const maxQueuedRefusals = 4096;
/** Notifications waiting to be written; one more is refused to whoever sends it. */
const maxOutputBytes = 4_194_304;

const notFound: RpcError = { code: 404, message: "handler not found" };
const overloaded: RpcError = { code: 429, message: "server overloaded" };
const internalError: RpcError = { code: 500, message: "internal error" };

/** Serves one stream. */
export class RpcServer implements RpcRegistrar {
  private readonly router: RpcRouter;
  private readonly limits: RpcServerLimits;
  private readonly stopping = new AbortController();
  private readonly over = deferred<void>();
  private readonly queued: Uint8Array[] = []; // texts, each in memory of its own
  private readonly notifications: Uint8Array[] = [];
  private running = 0;
  private isNotifying = false;
  private heldBytes = 0;
  private refusals = 0;
  private outputBytes = 0;
  private lastWrite: Promise<void> = Promise.resolve();
  private ended: RpcStreamError | undefined;

  /** Throws RangeError for limits that are no integers in range. */
  constructor(
    private readonly transport: RpcServerTransport,
    options: RpcServerOptions = {},
    router: RpcRouter = new RpcRouter(),
  ) {
    this.router = router;
    this.limits = rpcServerLimits(options);
  }

  /** Serves a type, as RpcRouter.register. */
  register(typeId: number, handler: RpcHandler): void {
    this.router.register(typeId, handler);
  }

  /**
   * Serves until the stream ends; settles when the peer ended it, or close() was called. Rejects with RpcStreamError for a
   * peer that breaks the rules, AbortError, or the error given to close(). Handlers that still run are told by their signal.
   */
  async serve(signal?: AbortSignal): Promise<void> {
    const stopListening = onAbort(signal, (error) => this.close(error));
    const reader = new EnvelopeReader(this.transport.readExactly);
    // Beside the reading: closing the transport need not wake a read, and nothing that it brings is wanted any more.
    void this.readFrom(reader);
    await this.over.promise;
    stopListening();
    if (this.ended?.code === "stream_closed") return;
    if (this.ended?.code !== "closed") throw this.ended;
    if (this.ended.cause !== undefined) throw this.ended.cause;
  }

  /**
   * Sends one notification; settles when it is on its way. Aborting rejects with the signal's reason and gives up the waiting
   * only. Errors: RpcStreamError resource_exhausted, nothing was sent, or the stream's end; BadMessageError and
   * JsonFramingError for what cannot be sent.
   */
  async notify(typeId: number, payload: unknown, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.ended !== undefined) throw this.ended;
    const frame = envelopeFrame(typeId, {}, payload);
    if (frame.length > maxOutputBytes - this.outputBytes) throw new RpcStreamError("resource_exhausted");
    this.outputBytes += frame.length;
    const sent = this.send(frame).then(() => {
      this.outputBytes -= frame.length;
      if (this.ended !== undefined) throw this.ended;
    });
    await withAbort(sent, signal).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error;
    });
  }

  /** Ends the stream: in order, or with an error, which serve() rejects with. Once is enough, more is harmless. */
  close(error?: unknown): void {
    this.end(new RpcStreamError("closed", error === undefined ? undefined : { cause: error }));
  }

  // ---- input

  private async readFrom(reader: EnvelopeReader): Promise<void> {
    try {
      while (this.ended === undefined) this.admit(await reader.next());
    } catch (error) {
      this.end(error as RpcStreamError);
    }
  }

  private admit(received: ReceivedEnvelope): void {
    const { request_id: requestId, response_to: responseTo } = received.envelope;
    if (this.ended !== undefined || responseTo !== 0) return; // a response is never sent to a server, and skipped
    if (requestId === 0) this.onNotification(received);
    else this.onRequest(received);
  }

  private onRequest({ envelope, text }: ReceivedEnvelope): void {
    const { maxConcurrentRequests, maxQueuedRequests } = this.limits;
    const isFull = this.running + this.queued.length >= maxConcurrentRequests + maxQueuedRequests;
    if (isFull || text.length > maxHeldBytes - this.heldBytes) return this.refuse(envelope);
    this.heldBytes += text.length;
    if (this.running < maxConcurrentRequests) void this.run(envelope, text.length);
    else this.queued.push(new Uint8Array(text));
  }

  private refuse(request: RpcEnvelope): void {
    if (this.refusals === maxQueuedRefusals) return this.end(new RpcStreamError("refusal_overflow"));
    this.refusals++;
    void this.send(responseFrame(request, { payload: null, error: overloaded })).then(() => this.refusals--);
  }

  private onNotification({ envelope, text }: ReceivedEnvelope): void {
    const isFull = this.isNotifying && this.notifications.length >= this.limits.maxQueuedNotifications;
    if (isFull || text.length > maxHeldBytes - this.heldBytes) return this.end(new RpcStreamError("notification_overflow"));
    this.heldBytes += text.length;
    if (this.isNotifying) this.notifications.push(new Uint8Array(text));
    else void this.runNotifications(envelope, text.length);
  }

  // ---- handlers

  private startQueued(): void {
    while (this.ended === undefined && this.running < this.limits.maxConcurrentRequests) {
      const text = this.queued.shift();
      if (text === undefined) return;
      void this.run(decodeRpcEnvelope(text), text.length);
    }
  }

  private async run(request: RpcEnvelope, bytes: number): Promise<void> {
    this.running++;
    const reply = await this.reply(request);
    this.heldBytes -= bytes;
    // The slot stays taken until the response is: a peer that does not read cannot make us pile up answers.
    if (this.ended === undefined) await this.send(responseFrame(request, reply));
    this.running--;
    this.startQueued();
  }

  private async reply(request: RpcEnvelope): Promise<RpcReply> {
    const handler = this.router.handler(request.type_id);
    if (handler === undefined) return { payload: null, error: notFound };
    try {
      return await handler(request.payload ?? null, { signal: this.stopping.signal });
    } catch {
      return { payload: null, error: internalError };
    }
  }

  /** This one, then those that came meanwhile, in order. Nothing is answered, and a failure concerns nobody but the handler. */
  private async runNotifications(first: RpcEnvelope, bytes: number): Promise<void> {
    this.isNotifying = true;
    await this.reply(first);
    this.heldBytes -= bytes;
    for (let text = this.notifications.shift(); text !== undefined; text = this.notifications.shift()) {
      await this.reply(decodeRpcEnvelope(text));
      this.heldBytes -= text.length;
    }
    this.isNotifying = false;
  }

  // ---- output and the end

  /** One write behind the other. Never rejects: a failed write ends the stream. */
  private send(frame: Uint8Array): Promise<void> {
    this.lastWrite = this.lastWrite.then(async () => {
      if (this.ended !== undefined) return;
      try {
        await this.transport.write(frame);
      } catch (cause) {
        this.end(new RpcStreamError("stream_closed", { cause }));
      }
    });
    return this.lastWrite;
  }

  private end(why: RpcStreamError): void {
    if (this.ended !== undefined) return;
    this.ended = why;
    this.queued.length = 0;
    this.notifications.length = 0;
    this.stopping.abort(why);
    this.over.resolve();
    const isOrderly = why.code === "stream_closed" || (why.code === "closed" && why.cause === undefined);
    void this.closeTransport(isOrderly ? undefined : why);
  }

  private async closeTransport(error: unknown): Promise<void> {
    try {
      await this.transport.close(error);
    } catch {
      // It is gone; that was the purpose.
    }
  }
}

/** What a handler answered, or 500 when that cannot be sent. Code 0 is sent as 500, an empty message as "rpc error". */
function responseFrame(request: RpcEnvelope, reply: RpcReply): Uint8Array {
  const ids = { responseTo: request.request_id };
  try {
    const { payload, error } = reply;
    const { code, message } = error ?? {};
    const told = error ? { code: code || 500, message: message === "" ? "rpc error" : message } : undefined;
    return envelopeFrame(request.type_id, ids, payload, told);
  } catch {
    return envelopeFrame(request.type_id, ids, null, internalError);
  }
}

/** RpcServerOptions with the defaults filled in. */
export type RpcServerLimits = { readonly [Name in keyof RpcServerOptions]-?: number };

/** Throws RangeError for limits that are no integers in range. */
export function rpcServerLimits(options: RpcServerOptions): RpcServerLimits {
  return {
    maxConcurrentRequests: checked("maxConcurrentRequests", options, 1),
    maxQueuedRequests: checked("maxQueuedRequests", options, 0),
    maxQueuedNotifications: checked("maxQueuedNotifications", options, 0),
  };
}

function checked(name: keyof RpcServerOptions, options: RpcServerOptions, least: number): number {
  const value = options[name] ?? rpcServerDefaults[name];
  if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`${name} must be an integer from ${least} up`);
  return value;
}
