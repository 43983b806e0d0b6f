import assert from "node:assert/strict";
import { test } from "node:test";
import { CoreFixture, pattern, wire } from "../testing/yamux_wire.js";
import type { YamuxErrorCode } from "./errors.js";
import { encodeHeader, FLAG_FIN, FLAG_RST, FLAG_SYN, HEADER_LEN } from "./frame.js";

const raw = (version: number, type: number, flags: number, streamId: number, length: number): Uint8Array => {
  const bytes = encodeHeader({ type, flags, streamId, length });
  bytes[0] = version;
  return bytes;
};

interface Row {
  name: string;
  sent: Uint8Array;
  ends?: YamuxErrorCode;
  answer?: string[];
}

// A server with stream 1 (the peer's) and stream 2 (its own) alive.
const rows: Row[] = [
  { name: "version 1", sent: raw(1, 2, FLAG_SYN, 0, 0), ends: "bad_version" },
  { name: "type 4", sent: raw(0, 4, 0, 0, 0), ends: "bad_type" },
  { name: "type 255", sent: raw(0, 255, FLAG_SYN, 1, 0), ends: "bad_type" },
  { name: "data on id 0", sent: raw(0, 0, 0, 0, 0), ends: "stream_zero" },
  { name: "data with syn on id 0", sent: raw(0, 0, FLAG_SYN, 0, 0), ends: "stream_zero" },
  { name: "window update on id 0", sent: wire.credit(0, 5), ends: "stream_zero" },
  { name: "syn for the peer's live stream", sent: wire.open(1), ends: "stream_already_open" },
  { name: "syn for our live stream", sent: wire.open(2), ends: "stream_already_open" },
  { name: "go away, normal", sent: wire.goAway(0), ends: "go_away" },
  { name: "go away, protocol error", sent: wire.goAway(1), ends: "go_away" },
  { name: "go away, unknown code", sent: wire.goAway(77), ends: "go_away" },
  { name: "a frame above the limit", sent: raw(0, 0, 0, 1, 262_145), ends: "frame_too_large" },
  { name: "a frame above the limit for nobody", sent: raw(0, 0, 0, 99, 262_145), ends: "frame_too_large" },
  { name: "credit above the window", sent: wire.credit(1, 1), ends: "credit_overflow" },
  { name: "credit of 2^32 - 1", sent: wire.credit(2, 0xffff_ffff), ends: "credit_overflow" },
  { name: "an opening with credit", sent: wire.update(3, FLAG_SYN, 1), ends: "credit_overflow" },
  { name: "syn with our parity", sent: wire.open(4), answer: ["update 4 rst 0"] },
  { name: "data with syn of our parity", sent: wire.data(4, pattern(9), FLAG_SYN), answer: ["update 4 rst 0"] },
  { name: "data for an unknown id", sent: wire.data(77, pattern(100)) },
  { name: "fin for an unknown id", sent: wire.close(77) },
  { name: "ack for an unknown id", sent: wire.ack(77) },
  { name: "credit for an unknown id", sent: wire.credit(77, 0xffff_ffff) },
  { name: "rst for an unknown id", sent: wire.reset(77) },
  { name: "rst with data for an unknown id", sent: wire.data(78, pattern(10), FLAG_RST) },
  { name: "syn and rst at once", sent: wire.update(5, FLAG_SYN | FLAG_RST) },
  { name: "unknown flag bits", sent: wire.update(1, 0xfff0) },
  { name: "ping reply to nothing", sent: wire.pong(1) },
  { name: "ping on a stream id", sent: raw(0, 2, 2, 1, 5) },
  { name: "empty data", sent: wire.data(1, new Uint8Array(0)) },
  { name: "ack for the peer's own stream", sent: wire.ack(1) },
];

function serverWithTwoStreams(): CoreFixture {
  const server = new CoreFixture("server");
  server.accepted(1);
  server.opened();
  server.core.touched.clear();
  server.core.opened = [];
  return server;
}

for (const { name, sent, ends, answer = [] } of rows) {
  test(`${name}: ${ends ?? (answer.length > 0 ? answer.join() : "silence")}`, () => {
    for (const piece of [1, HEADER_LEN - 1, HEADER_LEN, sent.length]) {
      const server = serverWithTwoStreams();
      for (let at = 0; at < sent.length; at += piece) server.peer(sent.subarray(at, at + piece));
      assert.equal(server.core.ended, ends);
      assert.deepEqual(server.sent(), answer);
      if (ends !== undefined) {
        assert.equal(server.core.activeStreams, 0);
        continue;
      }
      assert.equal(server.core.activeStreams, 2);
      assert.equal(server.core.unreadBytes, 0);
      assert.equal(server.core.opened.length, 0);
      server.peer(wire.data(1, pattern(3)));
      assert.deepEqual(server.readAll(server.stream(1)), pattern(3));
    }
  });
}

test("fin after reset is ignored", () => {
  const server = serverWithTwoStreams();
  const stream = server.stream(1);
  server.peer(wire.reset(1), wire.close(1), wire.data(1, pattern(7), FLAG_FIN));
  assert.equal(stream.why, "reset_by_peer");
  assert.equal(server.core.ended, undefined);
  assert.deepEqual(server.sent(), []);
});

test("the end fails every stream, sends nothing, and its first reason stays", () => {
  const server = serverWithTwoStreams();
  const streams = [...server.core.streams.values()];
  server.core.write(server.stream(1), pattern(10));
  server.core.startProbe(0);
  server.peer(wire.open(3), wire.ping(1), wire.goAway(0), wire.open(5), wire.ping(2));
  assert.deepEqual(streams.map(({ phase, why }) => `${phase} ${why}`), ["failed go_away", "failed go_away"]);
  assert.deepEqual([server.core.activeStreams, server.core.unreadBytes, server.core.outputBytes(1000)], [0, 0, 0]);
  assert.deepEqual(server.sent(), []);
  assert.equal(server.core.opened.length, 1); // the first, and it is not open any more
  server.core.end("closed");
  assert.equal(server.core.ended, "go_away");
  assert.throws(() => server.core.open(), { code: "go_away" });
});

test("any damaged bit leaves a session that lives or ended with a reason", () => {
  const script = [wire.open(1), wire.data(1, pattern(30)), wire.ping(4), wire.data(1, pattern(5), FLAG_FIN), wire.close(2)];
  const whole = script.reduce<number[]>((all, frame) => [...all, ...frame], []);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const server = new CoreFixture("server");
    server.opened();
    const damaged = Uint8Array.from(whole);
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    server.peer(damaged);
    server.core.end("transport_closed");
    assert.ok(server.core.ended !== undefined);
    assert.deepEqual([server.core.activeStreams, server.core.unreadBytes, server.core.streams.size], [0, 0, 0]);
  }
});
