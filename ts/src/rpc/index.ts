// What the layers above use of rpc; the door `./rpc` opens to the same.
export { RpcCallError, type RpcCaller, type RpcRegistrar, type RpcReply } from "../gen/flowersec_runtime.gen.js";
export * from "./call_typed.js";
export * from "./client.js";
export * from "./errors.js";
export * from "./proxy.js";
export * from "./router.js";
export * from "./server.js";
export type { NotifyHandler } from "./subscriptions.js";
