// Handshake frames: whatever comes is a frame or a refusal of the handshake's own kind.
import assert from "node:assert/strict";
import fc from "fast-check";
import { fromUtf8, utf8 } from "../base/index.js";
import { beginClient, fieldsOf, nowS, ServerSide } from "../testing/handshake_fixture.js";
import { bytes, changed, changedJson, count, eventually, isOneOf, lean, property, refusedOr, wildText } from "../testing/properties.js";
import { FramingError, HandshakeError } from "./error.js";
import { decodeFrame, encodeFrame, handshakeHeaderBytes, typeInit } from "./frame.js";
import { peekInit } from "./init_peek.js";

const frames = () => fc.tuple(fc.nat(255), bytes()).map(([type, payload]) => encodeFrame(type, payload));

property("a frame comes back as it was made", [fc.nat(255), bytes()], (type, payload) => {
  assert.deepEqual(decodeFrame(encodeFrame(type, payload), payload.length), { type, payload });
  if (payload.length > 0) assert.throws(() => decodeFrame(encodeFrame(type, payload), payload.length - 1), { code: "payload_too_large" });
});

property("any bytes, and frames with something changed: the frame they are, or a FramingError", [fc.oneof(bytes(), frames(), changed(frames())), fc.nat(400)], (given, most) => {
  const frame = lean(() => refusedOr(() => decodeFrame(given, most), isOneOf(FramingError)));
  if (frame === undefined) return;
  assert.ok(frame.payload.length <= most);
  assert.deepEqual(encodeFrame(frame.type, frame.payload), given);
});

property("a length that is not that of the message is refused before anything is taken for it", [fc.nat(255), bytes(40), count(0, 2 ** 32 - 1)], (type, payload, announced) => {
  const frame = encodeFrame(type, payload);
  new DataView(frame.buffer).setUint32(handshakeHeaderBytes - 4, announced);
  const read = lean(() => refusedOr(() => decodeFrame(frame, 2 ** 32), isOneOf(FramingError)));
  assert.equal(read !== undefined, announced === payload.length);
});

const client = await beginClient();
const init = JSON.parse(fromUtf8(client.initFrame.subarray(handshakeHeaderBytes))) as unknown;
const initText = fromUtf8(client.initFrame.subarray(handshakeHeaderBytes));

const inits = () => fc.oneof(
  wildText().map((text) => encodeFrame(typeInit, utf8(text))),
  changedJson(fc.constant(init)).map((value) => encodeFrame(typeInit, utf8(JSON.stringify(value)))),
  changed(fc.constant(utf8(initText))).map((text) => encodeFrame(typeInit, text)),
  changed(fc.constant(client.initFrame)),
);

property("an INIT with something changed: what it says, or a HandshakeError", [inits()], (frame) => {
  const peek = refusedOr(() => peekInit(frame), isOneOf(HandshakeError));
  if (peek === undefined) return;
  assert.ok(peek.channelId.length > 0 && utf8(peek.channelId).length <= 256);
  assert.equal(peek.version, 1);
});

property("a server answers an INIT with something changed, or ends with a HandshakeError", [inits()], async (frame) => {
  const step = await eventually(() => Promise.resolve(new ServerSide().on(frame)), isOneOf(HandshakeError));
  assert.ok(step === undefined || "respond" in step);
});

const edits = () => fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });

property("with a RESP that has something changed both sides end with HandshakeErrors, or with the same keys", [edits()], async (places) => {
  const [own, server] = [await beginClient(), new ServerSide()];
  const response = (await server.response(own.initFrame)).slice();
  for (const [at, by] of places) response[at % response.length]! ^= by;
  const mine = await eventually(() => own.onFrame(response, nowS), isOneOf(HandshakeError));
  if (mine === undefined) return;
  const theirs = await eventually(() => server.finish(mine.ackFrame), isOneOf(HandshakeError));
  if (theirs === undefined) return;
  assert.deepEqual(mine.keys.clientToServer.key, theirs.clientToServer.key);
});

property("an ACK that has something changed is refused with a HandshakeError, or says the same", [edits()], async (places) => {
  const [own, server] = [await beginClient(), new ServerSide()];
  const { ackFrame } = await own.onFrame(await server.response(own.initFrame), nowS);
  const other = ackFrame.slice();
  for (const [at, by] of places) other[at % other.length]! ^= by;
  const keys = await eventually(() => server.finish(other), isOneOf(HandshakeError));
  if (keys !== undefined) assert.deepEqual(fieldsOf(other), fieldsOf(ackFrame));
});
