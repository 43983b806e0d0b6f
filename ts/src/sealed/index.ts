// What the layers above use of sealed, and its door shows. Servers also use key_pair.ts, which brings synchronous primitives.
export { boxBytes, openPsk, sealPsk } from "./box.js";
export { SealedError, type SealedErrorCode } from "./error.js";
export { identityKeyBytes, keyIdBytes, parseServerKey, serverKeyId } from "./key.js";
export { decodeOpen, encodeOpen, maxOpenBytes, type OpenMessage } from "./open_message.js";
