// What the layers above use of base.
export * from "./abort.js";
export * from "./awaitable.js";
export * from "./base64url.js";
export * from "./byte_queue.js";
export * from "./bytes.js";
export * from "./clock.js";
export * from "./display_text.js";
export * from "./dispose.js";
export * from "./errors.js";
export * from "./limits.js";
export * from "./random.js";
export * from "./transport.js";
