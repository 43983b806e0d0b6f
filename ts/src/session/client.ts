/// <reference lib="esnext.disposable" preserve="true" />
// A connected client: streams, and calls on the stream that was opened while connecting.
// Layer session. Source: PROTOCOL, "After connect", "RPC calls".

import { asyncDispose, deferred, type FlowersecError } from "../base/index.js";
import { RpcClient, type RpcStreamError } from "../rpc/index.js";
import { ExactReader, type AbortOptions, type YamuxStream } from "../yamux/index.js";
import { failure } from "./failure.js";
import { SessionLink, type LinkOptions } from "./link.js";
import { wideOf } from "./wide.js";

/** How a client reached its endpoint. */
export type ClientPath = "tunnel" | "direct";

/** A connected session in the client role. `await using` closes it when what was written has left. */
export interface Client extends AsyncDisposable {
  readonly path: ClientPath;
  /** What the tunnel knows this connection by. Tunnel only. */
  readonly endpointInstanceId?: string;
  /** Calls and notifications. When its stream ends, calls fail and the session goes on. */
  readonly rpc: RpcClient;
  /**
   * How the session ended: undefined when it was closed here, yamux/timeout for a probe without an answer, else
   * close/not_connected; and why. Never rejects.
   */
  readonly ended: Promise<FlowersecError | undefined>;
  /**
   * How the stream of calls ended while the session went on, after something had come on it: rpc/rpc_failed and why. Never
   * rejects. A peer that serves no calls resets the stream at once: calls fail, and this does not settle.
   */
  readonly rpcEnded: Promise<FlowersecError>;
  /**
   * Opens a stream of a kind, which is trimmed; data may be written at once. The signal covers the opening only.
   * Errors: rpc/missing_stream_kind, yamux/canceled, yamux/resource_exhausted, yamux/open_stream_failed,
   * rpc/stream_hello_failed.
   */
  openStream(kind: string, options?: { signal?: AbortSignal | undefined }): Promise<YamuxStream>;
  /** Sends one keep-alive record; nothing answers it. Errors: secure/ping_failed, secure/canceled: the waiting was given up. */
  ping(options?: AbortOptions): Promise<void>;
  /** Moves our sending direction to a new key. Errors: secure/rekey_failed, secure/canceled: the waiting was given up. */
  rekey(options?: AbortOptions): Promise<void>;
  /**
   * One round trip to the peer, in milliseconds. Errors: yamux/timeout, yamux/ping_failed, both end the session;
   * yamux/canceled, which does not.
   */
  probeLiveness(options?: AbortOptions): Promise<number>;
  /** Ends the session at once. Once is enough. Throws when closing the WebSocket does. */
  close(): void;
}

/** The stream kind that carries calls. */
export const rpcKind = "rpc";

export interface StartClientOptions extends Omit<LinkOptions, "client" | "wide"> {
  readonly path: ClientPath;
  readonly signal?: AbortSignal | undefined;
}

class ClientSession extends SessionLink implements Client {
  declare readonly path: ClientPath;
  rpc!: RpcClient;
  rpcEnded!: Promise<FlowersecError>;

  probeLiveness(options?: AbortOptions): Promise<number> {
    return this.probe(undefined, options);
  }

  override close(): void {
    this.rpc?.close();
    super.close();
  }

  [asyncDispose](): Promise<void> {
    return this.closeGently();
  }
}

/** Multiplexes a channel and opens the rpc stream. Errors of SessionLink.openStream; the caller closes the channel. */
export async function startClient(options: StartClientOptions): Promise<Client> {
  const { path, observer, signal } = options;
  const client = new ClientSession({ ...options, client: true, wide: wideOf(options.channel) });
  try {
    const stream = await client.openStream(rpcKind, { signal });
    let heard = false;
    const reader = new ExactReader(async (maxBytes) => {
      const chunk = await stream.read({ maxBytes });
      heard ||= !!chunk;
      return chunk;
    });
    const { promise, resolve } = deferred<FlowersecError>();
    client.rpcEnded = promise;
    client.rpc = new RpcClient((n) => reader.readExactly(n), (bytes) => stream.write(bytes), {
      observer,
      onTerminal: (error: RpcStreamError) => {
        stream.reset(error);
        if (heard && !client.error) resolve(failure(path, "rpc", "rpc_failed", error));
      },
    });
    void client.ended.then(() => client.rpc.close());
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}
