// flowersec/rpc: calls and notifications over one stream.
export { RpcCallError, type CallOptions, type Notifier, type RpcCaller, type RpcRegistrar, type RpcReply } from "../gen/flowersec_runtime.gen.js";
export { callTyped, type CallTypedOptions } from "../rpc/call_typed.js";
export { RpcClient, type RpcCallOutcome, type RpcClientOptions, type RpcObserver } from "../rpc/client.js";
export type { RpcStreamError, RpcStreamErrorCode } from "../rpc/errors.js";
export { RpcProxy, RpcProxyDetachedError } from "../rpc/proxy.js";
export { RpcRouter, type RpcHandler, type RpcHandlerContext } from "../rpc/router.js";
export { RpcServer, type RpcServerOptions, type RpcServerTransport } from "../rpc/server.js";
export type { NotifyHandler } from "../rpc/subscriptions.js";
