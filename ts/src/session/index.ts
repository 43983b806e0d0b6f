// What the layers above use of session.
export { startClient, type Client, type ClientPath, type StartClientOptions } from "./client.js";
export { failure, isAbort, isTimeout } from "./failure.js";
export { livenessOfIdleTimeout, noLiveness, type Liveness, type LivenessOptions } from "./liveness.js";
export { Session, type AcceptedStream, type ServeRpcOptions, type SessionOptions } from "./server.js";
