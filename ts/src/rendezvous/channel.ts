// A session with a contact: through a tunnel, under the key of one call, in either role.
// Layer rendezvous. Both ends open and take streams; what kinds there are is for others. Source: SECURE_WEBSOCKET, "Channels".

import { asyncDispose, isPromise, transportDefaults, withDeadline, type FlowersecError } from "../base/index.js";
import { connectTunnel as attachAsCallee } from "../endpoint/accept.js";
import { connectTunnel as connectAsCaller, type TunnelConnectOptions } from "../endpoint/index.js";
import type { CallPsk } from "../identity/index.js";
import { RpcClient } from "../rpc/client.js";
import type { RpcRouter } from "../rpc/router.js";
import { rpcKind, type Client } from "../session/client.js";
import type { Session } from "../session/index.js";
import { readStreamHello } from "../streamhello/index.js";
import { ExactReader, type YamuxStream } from "../yamux/index.js";
import { channelClockSkewMs, channelTimeoutMs, probeIntervalMs, probeTimeoutMs } from "./limits.js";
import { artifactOf, type ChannelTicket } from "./ticket.js";

/** What the stack is told of every channel. */
export type ChannelOptions = Omit<TunnelConnectOptions, "endpointInstanceId" | "observer" | "onIncomingStream" | "clientFeatures">;

/** Who takes the streams that the other end opens. */
export type StreamTaker = (kind: string, stream: YamuxStream) => void;

const liveness = { intervalMs: probeIntervalMs, timeoutMs: probeTimeoutMs };

/** A channel that is open. */
export class Channel {
  private ownRpc: RpcClient | undefined;

  private constructor(
    private readonly end: Client | Session,
    /** We called: then the stream of messages is ours to open. */
    readonly isCaller: boolean,
  ) {}

  /** How it ended: undefined when it was closed here. Never rejects. */
  get ended(): Promise<FlowersecError | undefined> {
    return this.end.ended;
  }

  /** Errors as those of connecting through a tunnel. The key is wiped however it ends. */
  static async call(ticket: ChannelTicket, psk: CallPsk, options: ChannelOptions, take: StreamTaker): Promise<Channel> {
    try {
      const onIncomingStream = (stream: YamuxStream) => void greet(stream, options, take);
      const client = await connectAsCaller(artifactOf(ticket, psk).tunnel_grant, { handshakeTimeoutMs: channelTimeoutMs, liveness, ...options, onIncomingStream });
      return new Channel(client, true);
    } finally {
      psk.wipe();
    }
  }

  /** Waits for the caller, who has as long as the handshake may take. Errors and key as in call(). */
  static async answer(ticket: ChannelTicket, psk: CallPsk, options: ChannelOptions, take: StreamTaker): Promise<Channel> {
    try {
      const grant = artifactOf(ticket, psk).tunnel_grant;
      const session = await attachAsCallee(grant, { handshakeTimeoutMs: channelTimeoutMs, liveness, handshakeClockSkewMs: channelClockSkewMs, ...options });
      void (async () => {
        for await (const { kind, stream } of session) handStream(stream, () => take(kind, stream));
      })();
      return new Channel(session, false);
    } finally {
      psk.wipe();
    }
  }

  openStream(kind: string, options?: { signal?: AbortSignal | undefined }): Promise<YamuxStream> {
    return this.end.openStream(kind, options);
  }

  /** Calls to the other end, on a stream of its own. Errors as openStream. */
  async rpc(): Promise<RpcClient> {
    if ("rpc" in this.end) return this.end.rpc;
    if (this.ownRpc !== undefined) return this.ownRpc;
    const stream = await this.end.openStream(rpcKind);
    const reader = new ExactReader((maxBytes) => stream.read({ maxBytes }));
    const client = new RpcClient((n) => reader.readExactly(n), (bytes) => stream.write(bytes), { onTerminal: (error) => stream.reset(error) });
    void this.end.ended.then(() => client.close());
    return (this.ownRpc ??= client);
  }

  /** Ends it at once. */
  close(): void {
    try {
      this.end.close();
    } catch {
      // The socket's business; it is gone either way.
    }
  }

  /** Ends it when what was written has left, for which it has 2 s. */
  async leave(): Promise<void> {
    try {
      await this.end[asyncDispose]();
    } catch {
      // As above.
    }
  }
}

async function greet(stream: YamuxStream, { clock }: ChannelOptions, take: StreamTaker): Promise<void> {
  try {
    const reader = new ExactReader((maxBytes) => stream.read({ maxBytes }));
    const hello = readStreamHello((n) => reader.readExactly(n));
    take((await withDeadline(hello, { timeoutMs: transportDefaults.handshakeTimeoutMs, clock })).kind, stream);
  } catch (error) {
    stream.reset(error);
  }
}

/** Hands a stream over. Whoever fails to take it, at once or later, has it reset. */
export function handStream(stream: YamuxStream, take: () => unknown): void {
  const failed = (error: unknown) => stream.reset(error);
  try {
    const taken = take();
    if (isPromise(taken)) taken.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

/** Serves calls on a stream of kind `rpc` to its end. Without a router, or when the search for it fails, the stream is reset. */
export async function serveRpc(stream: YamuxStream, routerOf: () => RpcRouter | undefined): Promise<void> {
  try {
    const router = await routerOf(); // whoever writes an async function gets away with it
    if (router === undefined) return stream.reset();
    const { RpcServer } = await import("../rpc/server.js");
    const reader = new ExactReader((maxBytes) => stream.read({ maxBytes }));
    const transport = {
      readExactly: (n: number) => reader.readExactly(n),
      write: (bytes: Uint8Array) => stream.write(bytes),
      close: (error?: unknown) => (error === undefined ? stream.close() : stream.reset(error)),
    };
    await new RpcServer(transport, {}, router).serve();
  } catch (error) {
    stream.reset(error);
  }
}
