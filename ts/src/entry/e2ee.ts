// flowersec/e2ee: handshake and records without a session, and their formats.
export * from "../e2ee/formats.js";
export { clientHandshake, serverHandshake, type ClientHandshakeOptions, type ServerHandshakeOptions } from "../e2ee/index.js";
export { FramingError, type HandshakeError, type FramingErrorCode, type HandshakeErrorCode } from "../handshake/error.js";
export { ServerHandshakeCache, type ServerHandshakeCacheOptions } from "../handshake/response_cache.js";
export { SecureChannel, type SecureChannelOptions, type WaitableOptions } from "../record/channel.js";
export { RecordError, type RecordErrorCode } from "../record/error.js";
export type { OpenedRecord, Opener } from "../record/opener.js";
export type { Sealer } from "../record/sealer.js";
export type { Direction, RecordKind } from "../record/frame.js";
export type { Awaitable } from "../base/awaitable.js";
export type { CancelTimer, Clock } from "../base/clock.js";
export type { RandomSource } from "../base/random.js";
export type { BinaryTransport } from "../base/transport.js";
export type { Cipher, CryptoProvider, KeyPair, SuiteId } from "../crypto/provider.js";
