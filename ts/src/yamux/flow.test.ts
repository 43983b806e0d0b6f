import assert from "node:assert/strict";
import { test } from "node:test";
import { CoreFixture, pattern, wire } from "../testing/yamux_wire.js";
import { HEADER_LEN } from "./frame.js";
import { DEFAULT_MAX_STREAM_WINDOW as window, maxQueuedPingReplies, maxQueuedRefusals } from "./limits.js";
import type { StreamState } from "./stream_state.js";

test("credit is granted at half a window read and not before", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.peer(wire.data(1, new Uint8Array(window)));
  assert.deepEqual(server.sent(), []); // bytes that are only held earn none
  server.core.read(stream, window / 2 - 1);
  assert.deepEqual(server.sent(), []);
  server.core.read(stream, 1);
  assert.deepEqual(server.sent(), [`update 1 ${window / 2}`]);
});

test("an eighth of a window goes along with the credit of another stream, less does not", () => {
  const server = new CoreFixture("server");
  const [first, second, third, gone] = [1, 3, 5, 7].map((id) => server.accepted(id)) as [StreamState, StreamState, StreamState, StreamState];
  server.peer(...[1, 3, 5, 7].map((id) => wire.data(id, new Uint8Array(window))));
  server.core.read(second, window / 8);
  server.core.read(third, window / 8 - 1);
  server.core.read(gone, window / 8);
  server.core.discard(gone);
  assert.deepEqual(server.sent(), ["update 7 rst 0"]);
  server.core.read(first, window / 2);
  assert.deepEqual(server.sent(), [`update 1 ${window / 2}`, `update 3 ${window / 8}`]);
  server.core.read(first, window / 2);
  assert.deepEqual(server.sent(), [`update 1 ${window / 2}`]);
});

test("a stream that closed or ended while its credit waited for another's gets none", () => {
  const server = new CoreFixture("server");
  const first = server.accepted(1);
  for (const id of [3, 5, 7]) {
    const stream = server.accepted(id);
    server.peer(wire.data(id, new Uint8Array(window / 2)));
    server.core.read(stream, window / 8);
  }
  server.peer(wire.close(3), wire.reset(5), wire.data(1, new Uint8Array(window)));
  server.core.discard(server.stream(7));
  server.core.read(first);
  assert.deepEqual(server.sent(), [`update 1 ${window}`]);
});

test("credit merges while nothing can be sent, and a closed sender gets none", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.peer(wire.data(1, new Uint8Array(window)));
  server.readAll(stream);
  assert.deepEqual(server.sent(), [`update 1 ${window}`]);
  server.peer(wire.data(1, new Uint8Array(window)), wire.close(1));
  server.readAll(stream);
  assert.deepEqual(server.sent(), []);
});

test("credit that is due when fin arrives is not sent any more", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.peer(wire.data(1, new Uint8Array(window)));
  server.readAll(stream);
  assert.equal(stream.creditDue, true);
  server.peer(wire.close(1));
  assert.deepEqual(server.sent(), []);
});

test("the whole window fits, and one byte more resets the stream before it is held", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.peer(wire.data(1, new Uint8Array(window)));
  assert.equal(server.core.unreadBytes, window);
  server.peer(wire.data(1, new Uint8Array(1)), wire.open(3));
  assert.deepEqual([stream.why, server.core.unreadBytes], ["window_exceeded", 0]);
  assert.deepEqual(server.sent(), ["update 1 rst 0", "update 3 ack 0"]);
});

test("a window refilled to the brim is taken, and one more ends the session", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.core.write(stream, new Uint8Array(1000));
  client.sent();
  client.peer(wire.credit(1, 1000));
  assert.equal(client.core.ended, undefined);
  client.peer(wire.credit(1, 1));
  assert.equal(client.core.ended, "credit_overflow");
});

test("a writer stops at the window and goes on with credit", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  const body = pattern(window + 100);
  const write = client.core.write(stream, body);
  assert.deepEqual(client.sent(), Array(4).fill("data 1 65536"));
  assert.equal(write.done, false);
  assert.deepEqual(client.sent(), []);
  client.peer(wire.credit(1, 60));
  assert.deepEqual(client.sentBytes(), wire.data(1, body.subarray(window, window + 60)));
  client.peer(wire.credit(1, 1000));
  assert.deepEqual(client.sent(), ["data 1 40"]);
  assert.equal(write.done, true);
});

test("the end of a batch is left empty rather than filled with a splinter of a write", () => {
  const client = new CoreFixture("client");
  const [first, second] = [client.opened(), client.opened()];
  client.core.write(first, new Uint8Array(1500));
  client.core.write(second, new Uint8Array(77));
  assert.deepEqual(client.sent(1600), ["data 1 1500"]); // 88 bytes are left, of 89 and of 100 that count as little
  client.core.write(first, new Uint8Array(1500));
  assert.deepEqual(client.sent(1600), ["data 3 77", "data 1 1499"]);
  client.core.write(second, new Uint8Array(76));
  client.core.write(first, new Uint8Array(1486));
  assert.deepEqual(client.sent(1600), ["data 1 1", "data 3 76", "data 1 1486"]);
});

test("a blocked stream does not hold up others, and streams take turns frame by frame", () => {
  const client = new CoreFixture("client", { preferredOutboundFrameBytes: 100_000 });
  const [first, second] = [client.opened(), client.opened()];
  client.core.write(first, new Uint8Array(window + 1));
  client.core.write(second, new Uint8Array(150_000));
  assert.deepEqual(client.sent(), ["data 1 100000", "data 3 100000", "data 1 100000", "data 3 50000", "data 1 62144"]);
  client.core.write(second, pattern(1));
  assert.deepEqual(client.sent(), ["data 3 1"]);
});

test("a batch never exceeds its room, and nothing fits into less than a header and a byte", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.core.write(stream, pattern(100));
  assert.equal(client.core.nextBatch(HEADER_LEN), undefined);
  assert.equal(client.core.nextBatch(HEADER_LEN - 1), undefined);
  assert.deepEqual(client.sentBytes(HEADER_LEN + 1), wire.data(1, pattern(1)));
  assert.deepEqual(client.sentBytes(50), wire.data(1, pattern(38, 1)));
  client.core.closeWrite(stream);
  assert.deepEqual(client.sent(HEADER_LEN + 61), ["data 1 61"]);
  assert.deepEqual(client.sent(HEADER_LEN), ["update 1 fin 0"]);
});

test("a cancelled write that did not begin leaves the stream alive; one that did, or was closed behind, resets it", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.core.write(stream, new Uint8Array(window));
  const second = client.core.write(stream, pattern(5));
  client.sent();
  client.core.cancelWrite(stream, second);
  assert.deepEqual([stream.phase, stream.queuedBytes], ["open", 0]);
  const third = client.core.write(stream, pattern(5));
  client.peer(wire.credit(1, 2));
  client.sent();
  client.core.cancelWrite(stream, third);
  assert.deepEqual([stream.phase, stream.why], ["failed", "reset_locally"]);
  assert.deepEqual(client.sent(), ["update 1 rst 0"]);
  const other = client.opened();
  const last = client.core.write(other, pattern(5));
  client.core.closeWrite(other);
  client.core.cancelWrite(other, last);
  assert.equal(other.phase, "failed");
  assert.deepEqual(client.sent(), ["update 3 rst 0"]);
});

test("a write at the queue limit is taken; one byte more is refused whole and reported", () => {
  const client = new CoreFixture("client", { maxStreamWriteQueueBytes: 1000 });
  const stream = client.opened();
  client.core.write(stream, pattern(999));
  assert.throws(() => client.core.write(stream, pattern(2)), {
    name: "YamuxResourceExhaustedError", resource: "stream_write_queue_bytes", current: 999, limit: 1000,
  });
  client.core.write(stream, pattern(1));
  assert.deepEqual(client.sent(), ["data 1 999", "data 1 1"]);
  assert.deepEqual(client.core.diagnostics, [
    { code: "resource_limit_reached", resource: "stream_write_queue_bytes", current: 999, limit: 1000 },
  ]);
});

test("one local stream too many is refused here; a slot is free when the peer can have heard of the end", () => {
  const client = new CoreFixture("client", { maxActiveStreams: 2, maxInboundStreams: 2 });
  const stream = client.opened();
  client.opened();
  const refused = { name: "YamuxResourceExhaustedError", resource: "active_streams", current: 2, limit: 2 };
  assert.throws(() => client.core.open(), refused);
  client.core.reset(stream);
  assert.throws(() => client.core.open(), refused);
  assert.deepEqual(client.sent(), ["update 1 rst 0"]);
  assert.equal(client.core.open().id, 5);
});

test("one inbound stream too many is refused, its data is discarded, and the session lives", () => {
  const server = new CoreFixture("server", { maxInboundStreams: 1 });
  server.accepted(1);
  server.peer(wire.open(3), wire.data(3, pattern(100)), wire.close(3));
  assert.deepEqual(server.sent(), ["update 3 rst 0"]);
  assert.deepEqual(server.core.diagnostics, [{ code: "stream_rejected", resource: "inbound_streams", current: 1, limit: 1 }]);
  assert.deepEqual([server.core.counters.streamsRejected, server.core.unreadBytes], [1, 0]);
  server.peer(wire.reset(1), wire.open(5));
  assert.deepEqual(server.sent(), ["update 5 ack 0"]);
});

test("a stream that only this side may open is refused without naming a limit", () => {
  const server = new CoreFixture("server");
  server.peer(wire.open(2));
  assert.deepEqual(server.core.diagnostics, [{ code: "stream_rejected" }]);
});

test("inbound streams count against the active limit", () => {
  const server = new CoreFixture("server", { maxActiveStreams: 2, maxInboundStreams: 2 });
  server.opened();
  server.accepted(1);
  server.peer(wire.open(3));
  assert.deepEqual(server.sent(), ["update 3 rst 0"]);
  assert.equal(server.core.diagnostics[0]?.resource, "active_streams");
});

test("so many refusals wait, one report is made of them, and one more ends the session", () => {
  const server = new CoreFixture("server", { maxInboundStreams: 1 });
  server.accepted(1);
  for (let i = 0; i < maxQueuedRefusals; i++) server.peer(wire.open(3 + 2 * i));
  assert.equal(server.core.ended, undefined);
  assert.equal(server.core.diagnostics.length, 1);
  server.peer(wire.open(3 + 2 * maxQueuedRefusals));
  assert.equal(server.core.ended, "reply_queue_overflow");
});

test("session memory at its limit lives and one byte more ends it; reading gives it back", () => {
  const server = new CoreFixture("server", { maxSessionReceiveBytes: window });
  const [first, second] = [server.accepted(1), server.accepted(3)];
  server.peer(wire.data(1, new Uint8Array(200_000)), wire.data(3, new Uint8Array(window - 200_000)));
  assert.equal(server.core.ended, undefined);
  server.readAll(second);
  server.peer(wire.data(3, new Uint8Array(window - 200_000)));
  assert.equal(server.core.ended, undefined);
  server.peer(wire.data(1, pattern(1)));
  assert.equal(server.core.ended, "session_memory_exceeded");
  assert.deepEqual(server.core.diagnostics, [
    { code: "resource_limit_reached", resource: "session_receive_bytes", current: window, limit: window },
  ]);
  assert.equal(first.why, "session_memory_exceeded");
});

test("a frame of the limit is taken and one byte more ends the session", () => {
  const server = new CoreFixture("server", { maxFrameBytes: 1000 });
  server.accepted(1);
  server.peer(wire.data(1, pattern(1000)));
  assert.equal(server.core.ended, undefined);
  server.peer(wire.data(1, pattern(1001)));
  assert.equal(server.core.ended, "frame_too_large");
});

test("a ping is answered with its own value, 0 included, before data", () => {
  const server = new CoreFixture("server");
  server.core.write(server.accepted(1), pattern(5));
  server.peer(wire.ping(0), wire.ping(0xffff_ffff));
  assert.deepEqual(server.sent(), ["ping ack 0", "ping ack 4294967295", "data 1 5"]);
});

test("so many replies wait and one more request is not answered", () => {
  const server = new CoreFixture("server");
  for (let i = 0; i <= maxQueuedPingReplies; i++) server.peer(wire.ping(i));
  assert.equal(server.sent().length, maxQueuedPingReplies);
  assert.equal(server.core.counters.pingsDropped, 1);
  assert.equal(server.core.ended, undefined);
});

test("probes count from one, share a ping, and take only its own answer", () => {
  const client = new CoreFixture("client");
  client.core.startProbe(0);
  client.peer(wire.pong(1)); // before the question
  client.core.startProbe(0);
  assert.deepEqual(client.sent(), ["ping syn 1"]);
  client.peer(wire.pong(2), wire.pong(0));
  assert.equal(client.core.probeAnswered, false);
  client.peer(wire.pong(1));
  assert.equal(client.core.probeAnswered, true);
  client.core.startProbe(0);
  assert.deepEqual(client.sent(), ["ping syn 2"]);
});
