// Which handler serves which type id.
// Layer rpc. Source: PROTOCOL, "RPC server".

import type { Awaitable } from "../base/index.js";
import type { RpcRegistrar, RpcReply } from "../gen/flowersec_runtime.gen.js";

/** What a handler is told besides the payload. */
export interface RpcHandlerContext {
  /** Fires when the stream has ended: the answer will be thrown away. */
  readonly signal: AbortSignal;
}

/** Answers one request; for a notification the answer is thrown away. A failure is answered 500 `internal error`. */
export type RpcHandler = (payload: unknown, context: RpcHandlerContext) => Awaitable<RpcReply>;

/** Any number of servers may share one. */
export class RpcRouter implements RpcRegistrar {
  private readonly handlers = new Map<number, RpcHandler>();

  /** Serves requests and notifications of a type. The last one for a type wins. */
  register(typeId: number, handler: RpcHandler): void {
    this.handlers.set(typeId, handler);
  }

  /** The handler of a type; undefined: calls of it are answered 404. */
  handler(typeId: number): RpcHandler | undefined {
    return this.handlers.get(typeId);
  }
}
