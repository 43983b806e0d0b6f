// RPC envelopes: what was sent comes back whatever the portions; anything else ends the stream with an RpcStreamError.
import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../base/index.js";
import { encodeFrame } from "../framing/index.js";
import { bytes, changed, changedJson, count, eventually, isOneOf, json, Portions, property, someCuts, split, wholeText, wildText } from "../testing/properties.js";
import { EnvelopeReader, envelopeFrame } from "./envelope.js";
import { RpcStreamError } from "./errors.js";

const ids = () => count(0, Number.MAX_SAFE_INTEGER);
const error = () => fc.option(fc.record({ code: count(0, 2 ** 32 - 1), message: wholeText() }), { nil: undefined });
const envelopes = () => fc.tuple(count(0, 2 ** 32 - 1), ids(), ids(), json(), error());
const frameOf = ([typeId, requestId, responseTo, payload, failure]: [number, number, number, unknown, { code: number; message: string } | undefined]) =>
  envelopeFrame(typeId, { requestId, responseTo }, payload, failure);

property("envelopes come back in their order, whatever the portions", [fc.array(envelopes(), { minLength: 1, maxLength: 5 }), someCuts(400)], async (sent, cuts) => {
  const reader = new EnvelopeReader(new Portions(split(concat(...sent.map(frameOf)), cuts)).readExactly);
  for (const [typeId, requestId, responseTo, payload] of sent) {
    const { envelope } = await reader.next();
    assert.deepEqual([envelope.type_id, envelope.request_id, envelope.response_to, envelope.payload], [typeId, requestId, responseTo, JSON.parse(JSON.stringify(payload))]);
  }
  await assert.rejects(reader.next(), { code: "stream_closed" });
});

property("a length of 0 or beyond 1 MiB loses the place, an end in the middle closes", [fc.oneof(fc.constant(0), count(1, 2 ** 32 - 1)), bytes(20)], async (announced, body) => {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, announced);
  const code = announced === 0 || announced > 1_048_576 ? "bad_frame_length" : "stream_closed";
  if (announced <= body.length && announced > 0) return;
  await assert.rejects(new EnvelopeReader(new Portions([header, body]).readExactly).next(), { code });
});

const valid = { type_id: 1, request_id: 7, response_to: 0, payload: { a: [1] }, error: { code: 404, message: "x" } };
const flows = () => fc.oneof(
  bytes(),
  changed(envelopes().map(frameOf)),
  fc.array(changedJson(fc.constant(valid)).map((value) => encodeFrame(JSON.stringify(value))), { maxLength: 6 }).map((frames) => concat(...frames)),
  fc.array(wildText(40).map((text) => encodeFrame(text)), { maxLength: 6 }).map((frames) => concat(...frames)),
);

property("any bytes, and envelopes with something changed: envelopes, then an RpcStreamError; at most two bad ones in a row are passed over", [flows()], async (given) => {
  const portions = new Portions([given]);
  const reader = new EnvelopeReader(portions.readExactly);
  for (;;) {
    const received = await eventually(() => reader.next(), isOneOf(RpcStreamError));
    if (received === undefined) break;
    const { type_id, request_id, response_to } = received.envelope;
    for (const each of [type_id, request_id, response_to]) assert.ok(Number.isSafeInteger(each) && each >= 0);
  }
  assert.ok(portions.mostAsked <= 1_048_576);
});
