import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/bytes.js";
import { CoreFixture, pattern, wire } from "../testing/yamux_wire.js";
import { FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN } from "./frame.js";

test("the client opens odd ids and the server even ones", () => {
  const client = new CoreFixture("client");
  const server = new CoreFixture("server");
  assert.deepEqual([client.core.open().id, client.core.open().id], [1, 3]);
  assert.deepEqual([server.core.open().id, server.core.open().id], [2, 4]);
});

test("ids run out at two to the thirty-second", () => {
  const client = new CoreFixture("client", {}, 0xffff_fffd);
  assert.equal(client.core.open().id, 0xffff_fffd);
  assert.equal(client.core.open().id, 0xffff_ffff);
  assert.throws(() => client.core.open(), { code: "ids_exhausted" });
  assert.deepEqual(client.sent(), ["update 4294967293 syn 0", "update 4294967295 syn 0"]);
});

test("data may follow an opening at once, and a hello has its own frame", () => {
  const client = new CoreFixture("client");
  const stream = client.core.open();
  client.core.write(stream, pattern(24));
  client.core.write(stream, pattern(5));
  assert.deepEqual(client.sent(), ["update 1 syn 0", "data 1 24", "data 1 5"]);
});

test("an opening is acknowledged once, when it arrives", () => {
  const server = new CoreFixture("server");
  server.peer(wire.open(1));
  assert.deepEqual(server.sent(), ["update 1 ack 0"]);
  assert.deepEqual(server.core.opened.map(({ id }) => id), [1]);
  server.core.write(server.stream(1), pattern(3));
  assert.deepEqual(server.sent(), ["data 1 3"]);
});

test("an acknowledgement carries no credit, even when much was read before it went out", () => {
  const server = new CoreFixture("server");
  server.peer(wire.open(1), wire.data(1, pattern(200_000)));
  assert.equal(server.readAll(server.stream(1)).length, 200_000);
  assert.deepEqual(server.sent(), ["update 1 ack 0", "update 1 200000"]);
});

test("an acknowledgement is silent, and may ride on data", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.peer(wire.ack(1), wire.data(1, pattern(4), FLAG_ACK));
  assert.deepEqual(client.readAll(stream), pattern(4));
  assert.deepEqual(client.sent(), []);
});

test("an opening may ride on data, empty or not, with fin or without", () => {
  const server = new CoreFixture("server");
  server.peer(wire.data(1, pattern(10), FLAG_SYN | FLAG_FIN), wire.data(3, pattern(0), FLAG_SYN), wire.data(5, pattern(2), FLAG_SYN));
  assert.deepEqual(server.sent(), ["update 1 ack 0", "update 3 ack 0", "update 5 ack 0"]);
  assert.deepEqual(server.readAll(server.stream(1)), pattern(10));
  assert.equal(server.core.read(server.stream(1)), null);
  assert.equal(server.core.read(server.stream(3)), undefined);
  assert.deepEqual(server.readAll(server.stream(5)), pattern(2));
});

test("streams of the peer may be opened in any order of their ids", () => {
  const server = new CoreFixture("server");
  server.peer(wire.open(5), wire.open(1), wire.open(3));
  assert.deepEqual(server.sent(), ["update 5 ack 0", "update 1 ack 0", "update 3 ack 0"]);
  assert.deepEqual(server.core.opened.map(({ id }) => id), [5, 1, 3]);
});

test("a half-closed stream still reads, and fin follows the data before it", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.core.write(stream, pattern(6));
  client.core.closeWrite(stream);
  client.core.closeWrite(stream);
  assert.deepEqual(client.sent(), ["data 1 6", "update 1 fin 0"]);
  client.peer(wire.data(1, pattern(9)));
  assert.deepEqual(client.readAll(stream), pattern(9));
  assert.equal(client.core.activeStreams, 1);
});

test("fin waits for credit together with the data before it", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.core.write(stream, pattern(262_145));
  client.core.closeWrite(stream);
  assert.ok(!client.sent().includes("update 1 fin 0"));
  client.peer(wire.credit(1, 1));
  assert.deepEqual(client.sent(), ["data 1 1", "update 1 fin 0"]);
});

test("a stream is gone when both sides closed and everything was read", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.peer(wire.data(1, pattern(5), FLAG_FIN), wire.close(1));
  client.core.closeWrite(stream);
  client.sent();
  assert.equal(client.core.activeStreams, 1);
  assert.deepEqual(client.readAll(stream), pattern(5));
  assert.deepEqual([stream.phase, client.core.activeStreams, client.core.streams.size], ["finished", 0, 0]);
  assert.equal(client.core.read(stream), null);
  client.core.reset(stream);
  assert.deepEqual(client.sent(), []);
});

test("data after fin resets the stream and tells the peer", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.peer(wire.close(1), wire.data(1, pattern(1)));
  assert.equal(stream.why, "data_after_fin");
  assert.deepEqual(server.sent(), ["update 1 rst 0"]);
});

test("reset by the peer drops what is unread and unsent, and is not answered", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.core.write(stream, pattern(50));
  server.peer(wire.data(1, pattern(100)), wire.update(1, FLAG_RST, 777));
  assert.deepEqual([stream.phase, stream.why, server.core.unreadBytes, stream.queuedBytes], ["failed", "reset_by_peer", 0, 0]);
  assert.equal(server.core.read(stream), undefined);
  assert.deepEqual(server.sent(), []);
  assert.equal(server.core.counters.streamsReset, 1);
});

test("reset on a data frame is honoured and its body is skipped", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.peer(wire.data(1, pattern(30), FLAG_RST), wire.open(3));
  assert.equal(stream.why, "reset_by_peer");
  assert.deepEqual(server.sent(), ["update 3 ack 0"]);
});

test("reset here is told once, and frames that cross it are met with silence", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.core.reset(stream);
  client.core.reset(stream);
  client.peer(wire.data(1, pattern(40)), wire.reset(1));
  assert.deepEqual(client.sent(), ["update 1 rst 0"]);
  client.peer(wire.data(1, pattern(40)), wire.close(1), wire.reset(1));
  assert.deepEqual(client.sent(), []);
  assert.equal(client.core.ended, undefined);
});

test("a stream reset before its opening left sends nothing at all", () => {
  const client = new CoreFixture("client");
  const stream = client.core.open();
  client.core.write(stream, pattern(3));
  client.core.reset(stream);
  assert.deepEqual(client.sent(), []);
  assert.equal(client.core.activeStreams, 0);
});

test("a stream that both sides closed is not reset any more", () => {
  const client = new CoreFixture("client");
  const stream = client.opened();
  client.peer(wire.data(1, pattern(5), FLAG_FIN));
  client.core.closeWrite(stream);
  client.sent();
  client.core.reset(stream);
  assert.equal(stream.phase, "failed");
  assert.deepEqual(client.sent(), []);
  assert.equal(client.core.activeStreams, 0);
});

test("the id of a stream that is gone is free in the same record, and its handle stays with what it was", () => {
  const server = new CoreFixture("server");
  const gone = server.accepted(1);
  server.core.opened = [];
  server.peer(concat(wire.reset(1), wire.open(1), wire.data(1, pattern(10))));
  assert.deepEqual([server.core.ended, gone.phase, gone.why, server.core.opened.length], [undefined, "failed", "reset_by_peer", 1]);
  assert.deepEqual(server.sent(), ["update 1 ack 0"]);
  const stream = server.stream(1);
  assert.notEqual(stream, gone);
  assert.deepEqual([server.readAll(gone), server.readAll(stream)], [pattern(0), pattern(10)]);
  server.core.closeWrite(stream);
  server.sent();
  server.peer(concat(wire.close(1), wire.open(1)));
  assert.deepEqual([stream.phase, server.core.ended, server.core.activeStreams], ["finished", undefined, 1]);
  assert.deepEqual(server.sent(), ["update 1 ack 0"]);
});

const overdone = (id: number) => concat(wire.close(id), wire.data(id, pattern(1)));

test("an id is free before our reset of its stream has left, and the reset goes first", () => {
  const server = new CoreFixture("server");
  server.accepted(1);
  server.peer(concat(overdone(1), wire.open(1)));
  assert.equal(server.core.activeStreams, 2, "a reset counts until the peer can have heard of it");
  assert.deepEqual(server.sent(), ["update 1 rst 0", "update 1 ack 0"]);
  assert.deepEqual([server.core.activeStreams, server.core.streams.size], [1, 1]);
  server.peer(wire.open(1));
  assert.equal(server.core.ended, "stream_already_open");
});

test("resets that have not left count against the limit, however often their id comes again", () => {
  const server = new CoreFixture("server", { maxActiveStreams: 4, maxInboundStreams: 2 });
  for (let i = 0; i < 3; i++) server.peer(concat(wire.open(1), overdone(1)));
  assert.equal(server.core.activeStreams, 2);
  assert.deepEqual(server.sent(), ["update 1 rst 0", "update 1 rst 0", "update 1 rst 0"]);
  assert.deepEqual([server.core.ended, server.core.activeStreams, server.core.counters.streamsRejected], [undefined, 0, 1]);
});

test("the end takes resets along whose id is another's by now", () => {
  const server = new CoreFixture("server");
  server.accepted(1);
  server.peer(concat(overdone(1), wire.open(1), wire.goAway(0)));
  assert.deepEqual([server.core.ended, server.core.streams.size, server.core.activeStreams, server.core.outputBytes(1000)], ["go_away", 0, 0, 0]);
  assert.deepEqual(server.sent(), []);
});

test("a reset in the middle of a body skips the rest of it", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  const frame = wire.data(1, pattern(100), FLAG_FIN);
  server.peer(frame.subarray(0, 50));
  server.core.reset(stream);
  server.peer(frame.subarray(50), wire.open(3));
  assert.deepEqual(server.sent(), ["update 1 rst 0", "update 3 ack 0"]);
  assert.equal(server.core.unreadBytes, 0);
});

test("two machines that reset the same stream at once say so once each", () => {
  const client = new CoreFixture("client");
  const server = new CoreFixture("server");
  const stream = client.core.open();
  server.peer(client.sentBytes());
  client.peer(server.sentBytes());
  client.core.reset(stream);
  server.core.reset(server.stream(1));
  for (let i = 0; i < 5; i++) {
    const [fromClient, fromServer] = [client.sentBytes(), server.sentBytes()];
    if (i > 0) assert.deepEqual([fromClient.length, fromServer.length], [0, 0]);
    server.peer(fromClient);
    client.peer(fromServer);
  }
});

test("what was discarded earns no credit, and a peer that does not stop is reset at the end of its window", () => {
  const server = new CoreFixture("server");
  const stream = server.accepted(1);
  server.peer(wire.data(1, pattern(100)));
  server.core.closeWrite(stream);
  server.core.discard(stream);
  assert.equal(server.core.unreadBytes, 0);
  server.peer(wire.data(1, new Uint8Array(262_043)));
  assert.deepEqual(server.sent(), ["update 1 fin 0"]);
  server.peer(wire.data(1, new Uint8Array(1)));
  assert.deepEqual(server.sent(), ["update 1 rst 0"]);
});

test("a stream that is discarded ends in order when the peer closes, and at once when its window is empty", () => {
  const server = new CoreFixture("server");
  const first = server.accepted(1);
  server.core.closeWrite(first);
  server.core.discard(first);
  server.peer(wire.data(1, pattern(9), FLAG_FIN));
  server.sent();
  assert.equal(first.phase, "finished");
  const second = server.accepted(3);
  server.peer(wire.data(3, new Uint8Array(262_144)));
  server.core.discard(second);
  assert.deepEqual(server.sent(), ["update 3 rst 0"]);
});
