// Responses a server has given and no ACK has used yet.
// Layer handshake. One INIT can be answered again, with the identical RESP, and can be authenticated at most once.
// Source: PROTOCOL, "Retries and the handshake cache".

import { handshakeCacheDefaults } from "../base/index.js";
import type { KeyPair } from "../crypto/index.js";
import { HandshakeError } from "./error.js";

/** What RESP told the client, and what ACK needs. */
export interface PendingResponse {
  readonly handshakeId: string;
  readonly keyPair: KeyPair;
  readonly nonceS: Uint8Array;
  readonly features: number;
}

/** Bounds of a cache. */
export interface ServerHandshakeCacheOptions {
  /** Age in milliseconds at which an entry no longer answers; judged when an INIT is looked up. 0: never. Default 60 000. */
  ttlMs?: number | undefined;
  /**
   * Unfinished handshakes held; one more is refused. Unauthenticated peers can make a shared cache hold this many entries of
   * about 1 KiB. 0: no bound. Default 4096.
   */
  maxEntries?: number | undefined;
}

/**
 * Unfinished handshakes by the fingerprint of their INIT. Without one, every connection has its own; one shared between
 * connections lets an INIT that was answered on one be continued on another.
 */
export class ServerHandshakeCache {
  // Oldest first: all live equally long, so expiry only looks at the front.
  private readonly entries = new Map<string, { readonly created: number; readonly response: PendingResponse }>();
  private readonly ttlMs: number;
  private readonly maxEntries: number;

  /** Throws HandshakeError bad_limits for a negative bound, and for one that is no integer. */
  constructor(options: ServerHandshakeCacheOptions = {}) {
    this.ttlMs = options.ttlMs ?? handshakeCacheDefaults.ttlMs;
    this.maxEntries = options.maxEntries ?? handshakeCacheDefaults.maxEntries;
    const isBound = (value: number) => Number.isSafeInteger(value) && value >= 0;
    if (!isBound(this.ttlMs) || !isBound(this.maxEntries)) throw new HandshakeError("bad_limits");
  }

  /** Entries held, expired ones included. */
  get size(): number {
    return this.entries.size;
  }

  /**
   * Removes what expired, then looks for the answer already given to this INIT.
   * @internal
   */
  find(fingerprint: string, monoMs: number): PendingResponse | undefined {
    this.removeExpired(monoMs);
    return this.entries.get(fingerprint)?.response;
  }

  /**
   * Keeps `fresh` unless another connection answered the same INIT meanwhile, and returns what holds. Throws HandshakeError
   * cache_full: the handshake is refused.
   * @internal
   */
  insert(fingerprint: string, fresh: PendingResponse, monoMs: number): PendingResponse {
    const known = this.find(fingerprint, monoMs);
    if (known !== undefined) return known;
    if (this.maxEntries > 0 && this.entries.size >= this.maxEntries) throw new HandshakeError("cache_full");
    this.entries.set(fingerprint, { created: monoMs, response: fresh });
    return fresh;
  }

  /**
   * Consumes the entry, for the first ACK.
   * @internal
   */
  take(fingerprint: string): PendingResponse | undefined {
    const taken = this.entries.get(fingerprint)?.response;
    this.entries.delete(fingerprint);
    return taken;
  }

  private removeExpired(monoMs: number): void {
    if (this.ttlMs === 0) return;
    for (const [fingerprint, { created, response }] of this.entries) {
      if (monoMs - created <= this.ttlMs) return;
      this.entries.delete(fingerprint);
      response.keyPair.wipe();
    }
  }
}
