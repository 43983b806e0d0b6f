// What the layers above use of session.
export { startClient, type Client, type ClientPath, type StartClientOptions } from "./client.js";
export { failure, howEnded, isAbort, isTimeout } from "./failure.js";
export { livenessOfIdleTimeout, noLiveness, type Liveness, type LivenessOptions } from "./liveness.js";
export { offeredFeatures } from "./wide.js";
export { Session, type AcceptedStream, type ServeRpcOptions, type SessionOptions } from "./server.js";
