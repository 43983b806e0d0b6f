// flowersec/e2ee: handshake and records without a session, and their formats.
export * from "../e2ee/formats.js";
export { clientHandshake, serverHandshake, type ClientHandshakeOptions, type ServerHandshakeOptions } from "../e2ee/index.js";
export { FramingError, type HandshakeError, type FramingErrorCode, type HandshakeErrorCode } from "../handshake/error.js";
export { ServerHandshakeCache, type ServerHandshakeCacheOptions } from "../handshake/response_cache.js";
export { SecureChannel, type SecureChannelOptions } from "../record/channel.js";
export { RecordError, type RecordErrorCode } from "../record/error.js";
export type { BinaryTransport } from "../base/transport.js";
