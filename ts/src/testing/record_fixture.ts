// A known direction of a session, sealed and opened in one process: the keys of the P-256 handshake of PROTOCOL, "Test values".
import assert from "node:assert/strict";
import { concat, utf8 } from "../base/index.js";
import type { CryptoProvider } from "../crypto/index.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import {
  clientToServer, newFrame, nonceOf, Opener, RecordError, Sealer, SecureChannel, serverToClient,
  type Direction, type DirectionKeys, type RecordErrorCode, type RecordKind, type RecordLimits,
} from "../record/index.js";
import { b64u } from "./bytes.js";
import { MemoryTransport } from "./memory_transport.js";

export function vectorKeys(way: Direction = clientToServer): DirectionKeys {
  const isC2s = way === clientToServer;
  return {
    way,
    key: b64u(isC2s ? "N43tNz4ZKHJ-i_YnEyOS8wopsLzewOGdG9tWlmdDnXo" : "yhI4fiB4UKjSNeQz2FEwhuvfmI7MH0N0rlQS_GQ4vYY"),
    prefix: b64u(isC2s ? "05-spg" : "8sVFVw"),
    rekeyBase: b64u("KGeve3v5gkAKdvJBHiivxEhOlS0BkTrhQn9Dyl6XfCA"),
    transcriptHash: b64u("aXiRFjnPfSDPD7Va-o_-tln9w9RLbmx5qZGtqTQZpWk"),
  };
}

export const makeSealer = async (next = 1n, way: Direction = clientToServer, crypto: CryptoProvider = nodeCrypto) =>
  await Sealer.create(crypto, vectorKeys(way), next);

export const makeOpener = async (
  expected = 1n,
  way: Direction = clientToServer,
  crypto: CryptoProvider = nodeCrypto,
  maxRecordBytes = 1_048_576,
) => await Opener.create(crypto, vectorKeys(way), maxRecordBytes, expected);

/** Any kind with any plaintext, as only a peer that breaks the rules would seal it. */
export function forged(
  kind: RecordKind,
  sequence: bigint,
  plaintext: Uint8Array | string,
  way: Direction = clientToServer,
): Uint8Array {
  const bytes = typeof plaintext === "string" ? utf8(plaintext) : plaintext;
  const frame = newFrame(kind, sequence, bytes.length);
  const { key, prefix } = vectorKeys(way);
  nodeCrypto.cipher(key).seal(nonceOf(prefix, sequence), frame.subarray(0, 18), bytes, frame.subarray(18));
  return frame;
}

/** The code something ends with; undefined when it does not fail. */
export async function recordCode(work: () => unknown): Promise<RecordErrorCode | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RecordError, String(error));
    return error.code;
  }
}

/** Two channels over a pipe in memory, after a handshake that never was. */
export async function channelPair(
  options: RecordLimits & { crypto?: CryptoProvider; peerCrypto?: CryptoProvider; sequence?: bigint } = {},
) {
  const [a, b] = MemoryTransport.pair();
  const { crypto = nodeCrypto, peerCrypto = crypto, sequence = 1n } = options;
  const max = options.maxRecordBytes ?? 1_048_576;
  const client = new SecureChannel({
    ...options,
    transport: a,
    sealer: await makeSealer(sequence, clientToServer, crypto),
    opener: await makeOpener(sequence, serverToClient, crypto, max),
  });
  const server = new SecureChannel({
    ...options,
    transport: b,
    sealer: await makeSealer(sequence, serverToClient, peerCrypto),
    opener: await makeOpener(sequence, clientToServer, peerCrypto, max),
  });
  return { client, server, a, b };
}

/** Lets what is under way go on, so many turns of the event loop. */
export const turns = async (n = 20) => {
  for (let i = 0; i < n; i++) await new Promise(setImmediate);
};

/** So many bytes, however many reads they take. */
export const readAll = async (from: SecureChannel, bytes: number): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  for (let got = 0; got < bytes; ) {
    const part = await from.read();
    parts.push(part);
    got += part.length;
  }
  return concat(...parts);
};
