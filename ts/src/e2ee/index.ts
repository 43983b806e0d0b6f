import type { BinaryTransport, Clock } from "../base/index.js";
import type { CryptoProvider, SuiteId } from "../crypto/provider.js";
import type { SecureChannel } from "../record/channel.js";

interface CommonOptions {
  channelId: string;
  suite: SuiteId;
  /** 32 bytes; copied. */
  psk: Uint8Array;
  /** 0 or absent: default. */
  maxHandshakePayload?: number | undefined;
  maxRecordBytes?: number | undefined;
  outboundRecordChunkBytes?: number | undefined;
  maxBufferedBytes?: number | undefined;
  maxOutboundBufferedBytes?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Default 10 000; 0: none. */
  timeoutMs?: number | undefined;
  /** For tests. */
  clock?: Clock | undefined;
  crypto?: CryptoProvider | undefined;
}
export interface ClientHandshakeOptions extends CommonOptions {
  clientFeatures?: number | undefined;
}
export interface ServerHandshakeOptions extends CommonOptions {
  serverFeatures?: number | undefined;
  initExpireAtUnixS: number;
  clockSkewSeconds: number;
}
/** See handshake/response_cache.ts. */
export declare class ServerHandshakeCache {
  constructor(options?: { ttlMs?: number | undefined; maxEntries?: number | undefined });
}
/** Any failure closes the transport; rejects with HandshakeError, RecordError, AbortError, TimeoutError or the transport's error. */
export declare function clientHandshake(transport: BinaryTransport, options: ClientHandshakeOptions): Promise<SecureChannel>;
/** `cache` undefined: a private one. */
export declare function serverHandshake(
  transport: BinaryTransport,
  cache: ServerHandshakeCache | undefined,
  options: ServerHandshakeOptions,
): Promise<SecureChannel>;
/** For resolvers (handshake/init_peek.ts): structure of an INIT before a credential is known. Then hand the frame on through a
 *  transport that answers its first read with it. */
export declare function peekInit(
  frame: Uint8Array,
  maxHandshakePayload?: number,
): { channelId: string; version: 1; suite: SuiteId; clientFeatures: number };
