// Defaults and bounds of the whole package, in one place.
// Layer base. Source: docs/LIMITS.md. Sizes are bytes, times are milliseconds unless the name says otherwise.

/** What an endpoint may hold and how long it waits while a connection comes to be. */
export const transportDefaults = {
  connectTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  handshakeClockSkewMs: 30_000,
} as const;

/** Handshake and records. */
export const e2eeDefaults = {
  /** Largest JSON payload of a handshake message: what an unauthenticated peer can make us hold. */
  maxHandshakePayload: 8192,
  /** Largest record, header and tag included. */
  maxRecordBytes: 1_048_576,
  /** Most plaintext of one record sent. */
  outboundRecordChunkBytes: 65_536,
  /** Plaintext received and not yet read; one byte more ends the channel. */
  maxBufferedBytes: 4_194_304,
  /** Writes accepted and not yet sent; one byte more refuses the write. */
  maxOutboundBufferedBytes: 4_194_304,
} as const;

/** Unfinished handshakes of a server's cache: age, and number. */
export const handshakeCacheDefaults = {
  ttlMs: 60_000,
  maxEntries: 4096,
} as const;

/** Multiplexing. */
export const yamuxDefaults = {
  maxActiveStreams: 64,
  maxInboundStreams: 32,
  maxFrameBytes: 262_144,
  preferredOutboundFrameBytes: 65_536,
  maxStreamWriteQueueBytes: 4_194_304,
  maxStreamReceiveBytes: 262_144,
  maxSessionReceiveBytes: 16_777_216,
  wideWindowSessionBytes: 16_777_216,
} as const;

/** RPC over a stream. */
export const rpcDefaults = {
  maxJsonFrameBytes: 1_048_576,
  maxStreamHelloBytes: 8192,
} as const;

/** What an RPC server holds. */
export const rpcServerDefaults = {
  maxConcurrentRequests: 32,
  maxQueuedRequests: 128,
  maxQueuedNotifications: 128,
} as const;

/** Control-plane bodies. */
export const controlplaneDefaults = {
  maxRequestBodyBytes: 32_768,
  maxResponseBodyBytes: 1_048_576,
  requestTimeoutMs: 10_000,
} as const;

/** The browser's or Node's WebSocket. */
export const webSocketDefaults = {
  maxInboundQueuedBytes: 4_194_304,
  maxInboundQueuedMessages: 16_384,
  outboundLowWatermarkBytes: 262_144,
  outboundHighWatermarkBytes: 1_048_576,
  outboundHardLimitBytes: 4_194_304,
  outboundDrainTimeoutMs: 10_000,
} as const;

/** Bytes of UTF-8 in a channel_id. */
export const maxChannelIdBytes = 256;

/** Bytes of UTF-8 in an endpoint_id. Source: docs/CONTROLPLANE.md. */
export const maxEndpointIdBytes = 256;

/** Bytes of a pre-shared key. */
export const pskBytes = 32;

/** The defaults, with what is given instead. Throws RangeError for a given one that is no positive integer; `orZero` may be 0. */
export function positiveLimits<Name extends string>(
  defaults: { readonly [name in Name]: number },
  given: { readonly [name in Name]?: number | undefined },
  orZero?: NoInfer<Name>,
): { [name in Name]: number } {
  if (typeof given !== "object") throw new RangeError("limits: no object");
  const limits: { [name in Name]: number } = { ...defaults };
  for (const name in limits) {
    const value = given[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < Number(name !== orZero)) throw new RangeError(`${name} must be a positive integer`);
    limits[name] = value;
  }
  return limits;
}

/** An option that counts as left out when it is 0. */
export function orDefault(value: number | undefined, fallback: number): number {
  return value === undefined || value === 0 ? fallback : value;
}
