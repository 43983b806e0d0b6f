// Envelopes out and in.
// Layer rpc. Source: PROTOCOL, "RPC envelope", "Malformed envelopes".

import { rpcDefaults } from "../base/index.js";
import { encodeFrame, JsonFramingError, type ReadExactly, readFrameText } from "../framing/index.js";
import { decodeRpcEnvelope, encodeRpcEnvelope, type RpcEnvelope, type RpcError } from "../gen/flowersec/rpc/v1.gen.js";
import { RpcStreamError } from "./errors.js";

/** Invalid envelopes that are skipped when they follow each other; the next one ends the stream. */
const maxMalformedInARow = 2;

/** The frame of one envelope. Throws BadMessageError for what JSON cannot hold, JsonFramingError for what is too long. */
export function envelopeFrame(
  typeId: number,
  ids: { requestId?: number; responseTo?: number },
  payload: unknown,
  error?: RpcError,
): Uint8Array {
  const { requestId = 0, responseTo = 0 } = ids;
  return encodeFrame(encodeRpcEnvelope({ type_id: typeId, request_id: requestId, response_to: responseTo, payload, error }));
}

export interface ReceivedEnvelope {
  readonly envelope: RpcEnvelope;
  /** What it was decoded from; perhaps a view into more. */
  readonly text: Uint8Array;
}

/** Reads envelopes one after the other. */
export class EnvelopeReader {
  private malformedInARow = 0;
  constructor(private readonly readExactly: ReadExactly) {}

  /** The next valid one. Rejects with RpcStreamError bad_frame_length, malformed_envelopes, stream_closed. */
  async next(): Promise<ReceivedEnvelope> {
    for (;;) {
      const text = await readFrameText(this.readExactly, rpcDefaults.maxJsonFrameBytes).catch((cause: unknown) => {
        throw new RpcStreamError(cause instanceof JsonFramingError ? "bad_frame_length" : "stream_closed", { cause });
      });
      try {
        const envelope = decodeRpcEnvelope(text);
        this.malformedInARow = 0;
        return { envelope, text };
      } catch (cause) {
        if (++this.malformedInARow > maxMalformedInARow) throw new RpcStreamError("malformed_envelopes", { cause });
      }
    }
  }
}
