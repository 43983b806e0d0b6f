// What the layers above use of handshake.
export * from "./client.js";
export * from "./error.js";
export * from "./frame.js";
export * from "./init_peek.js";
export * from "./key_schedule.js";
export type { HandshakeOptions, HandshakeTools, ServerOptions } from "./options.js";
export * from "./response_cache.js";
export * from "./server.js";
