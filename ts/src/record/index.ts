// What the layers above use of record.
export * from "./channel.js";
export * from "./error.js";
export * from "./frame.js";
export * from "./keys.js";
export * from "./limits.js";
export { Opener, type OpenedRecord } from "./opener.js";
export { Sealer } from "./sealer.js";
