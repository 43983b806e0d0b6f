// Both roles with a shared key, a fixed clock, and tools to change a message on its way.
import assert from "node:assert/strict";
import { fromUtf8, systemRandom, utf8 } from "../base/index.js";
import type { CryptoProvider, SuiteId } from "../crypto/index.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import {
  ClientHandshake, encodeFrame, HandshakeError, ServerHandshake, type HandshakeErrorCode, type HandshakeOptions,
  type ServerHandshakeCache, type ServerOptions, type TrafficKeys,
} from "../handshake/index.js";
import { b64u } from "./bytes.js";

export const nowS = 1_700_000_000;
export const initExpireS = nowS + 60;
export const sharedPsk = (): Uint8Array => b64u("EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8");

export const clientOptions = (suite: SuiteId = 1): HandshakeOptions => ({
  channelId: "chan-1",
  suite,
  psk: sharedPsk(),
  features: 0x0001_0001,
});

export const serverOptions = (suite: SuiteId = 1): ServerOptions => ({
  ...clientOptions(suite),
  features: 0x0001_0002,
  initExpireAtUnixS: initExpireS,
  clockSkewSeconds: 30,
});

export const tools = (crypto: CryptoProvider = nodeCrypto) => ({ crypto, random: systemRandom });

export const beginClient = (suite: SuiteId = 1): Promise<ClientHandshake> =>
  ClientHandshake.begin(clientOptions(suite), tools());

/** A server that is told wall time nowS unless said otherwise. */
export class ServerSide {
  readonly machine: ServerHandshake;
  constructor(options = serverOptions(), cache?: ServerHandshakeCache) {
    this.machine = new ServerHandshake(options, tools(), cache);
  }
  on(frame: Uint8Array, unixSeconds = nowS, monoMs = 0) {
    return this.machine.onFrame(frame, { unixSeconds, monoMs });
  }
  async response(frame: Uint8Array, monoMs = 0): Promise<Uint8Array> {
    const step = await this.on(frame, nowS, monoMs);
    assert.ok("respond" in step);
    return step.respond;
  }
  async finish(frame: Uint8Array): Promise<TrafficKeys> {
    const step = await this.on(frame);
    assert.ok("finished" in step);
    return step.finished;
  }
}

/** The code a promise ends with; undefined when it does not fail. */
export async function codeOf(work: Promise<unknown>): Promise<HandshakeErrorCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof HandshakeError, String(error));
    return error.code;
  }
}

export type JsonObject = { [key: string]: unknown };
export const payloadText = (frame: Uint8Array): string => fromUtf8(frame.subarray(10));
export const fieldsOf = (frame: Uint8Array): JsonObject => JSON.parse(payloadText(frame)) as JsonObject;
export const framed = (type: number, text: string): Uint8Array => encodeFrame(type, utf8(text));

/** The frame with its JSON object changed, header to match. */
export const changed = (frame: Uint8Array, change: JsonObject): Uint8Array =>
  framed(frame[5] as number, JSON.stringify({ ...fieldsOf(frame), ...change }));

/** A row of testdata/handshake/refusals.json. */
export interface Row {
  name: string;
  field: string;
  value?: unknown;
  remove?: true;
  error: HandshakeErrorCode;
}

export function applied(row: Row, frame: Uint8Array): Uint8Array {
  return changed(frame, { [row.field]: row.remove ? undefined : row.value });
}

/** A finished handshake with every frame that travelled. */
export async function runHandshake(suite: SuiteId = 1) {
  const client = await beginClient(suite);
  const server = new ServerSide(serverOptions(suite));
  const resp = await server.response(client.initFrame);
  const done = await client.onFrame(resp, nowS);
  return { init: client.initFrame, resp, ack: done.ackFrame, client: done.keys, server: await server.finish(done.ackFrame) };
}
