import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, fromUtf8, utf8 } from "../base/index.js";
import type { CryptoProvider } from "../crypto/index.js";
import { webCrypto } from "../crypto/browser/provider.js";
import { nobleCrypto } from "../crypto/noble/provider.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { flipped, pattern } from "../testing/bytes.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { MemoryTransport, PipeClosedError } from "../testing/memory_transport.js";
import { channelPair, forged, makeOpener, makeSealer, readAll, recordCode, turns } from "../testing/record_fixture.js";
import { clientToServer, SecureChannel, serverToClient } from "./index.js";

/** A sealer after so many records went over a transport that copies. */
const filledSpares = async (crypto: CryptoProvider, outboundRecordChunkBytes: number, records: number) => {
  const sealer = await makeSealer(1n, clientToServer, crypto);
  const [transport] = MemoryTransport.pair();
  Object.assign(transport, { copiesFrames: true });
  const opener = await makeOpener(1n, serverToClient, crypto, 1_048_576);
  const channel = new SecureChannel({ transport, sealer, opener, outboundRecordChunkBytes });
  await Promise.all(Array.from({ length: records }, () => channel.write(new Uint8Array(outboundRecordChunkBytes))));
  return { sealer };
};
const providers = [nodeCrypto, webCrypto(crypto.subtle), nobleCrypto];

for (const crypto of providers) {
  describe(`secure channel with ${crypto.name}`, () => {
    test("order holds over sizes, rekeys and pings in both directions", async () => {
      const { client, server } = await channelPair({ crypto });
      const sizes = [1, 12, 112, 113, 128, 129, 1024, 65_535, 65_536, 65_537, 200_000, 3];
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const expected = concat(...sizes.map(pattern));
      const send = async (from: SecureChannel) => {
        const writes = sizes.flatMap((size, i) => [
          from.write(pattern(size)),
          ...(i % 3 === 0 ? [from.rekeyNow()] : []),
          ...(i % 4 === 0 ? [from.sendPing()] : []),
        ]);
        await Promise.all(writes);
      };
      const [atServer, atClient] = await Promise.all([readAll(server, total), readAll(client, total), send(client), send(server)]);
      assert.deepEqual(atServer, expected);
      assert.deepEqual(atClient, expected);
    });

    test("a read that is given up takes nothing away, and leaves no listener", async () => {
      const { client, server } = await channelPair({ crypto });
      const abort = new CountedAbort();
      const givenUp = server.read({ signal: abort.signal });
      const next = server.read();
      assert.equal(abort.listeners, 1);
      abort.abort("enough");
      await assert.rejects(givenUp, { name: "AbortError", cause: "enough" });
      await client.write(utf8("all of it"));
      assert.equal(fromUtf8(await next), "all of it");
      await assert.rejects(server.read({ signal: abort.signal }), { name: "AbortError", cause: "enough" });
      assert.equal(abort.listeners, 0);
    });

    test("a read whose signal has fired leaves what is there to the next one", async () => {
      const { client, server } = await channelPair({ crypto });
      await client.write(utf8("one"));
      await client.write(utf8("two"));
      assert.equal(fromUtf8(await server.read()), "one");
      await turns();
      await assert.rejects(server.read({ signal: AbortSignal.abort("late") }), { name: "AbortError", cause: "late" });
      assert.equal(fromUtf8(await server.read()), "two");
    });

    test("a read that has its bytes keeps them when its signal fires", async () => {
      const { client, server } = await channelPair({ crypto });
      const abort = new CountedAbort();
      const read = server.read({ signal: abort.signal }).then((bytes) => {
        abort.abort();
        return bytes;
      });
      await client.write(utf8("here"));
      assert.equal(fromUtf8(await read), "here");
      assert.equal(abort.listeners, 0);
    });

    test("a write, a ping and a rekey that are given up go out all the same; one whose signal has fired does not", async () => {
      const { client, server } = await channelPair({ crypto });
      for (const start of ["write", "sendPing", "rekeyNow"] as const) {
        const abort = new CountedAbort();
        const run = () => (start === "write" ? client.write(utf8("sent"), abort) : client[start](abort));
        const givenUp = run();
        abort.abort(start);
        await assert.rejects(givenUp, { name: "AbortError", cause: start });
        await assert.rejects(run(), { name: "AbortError", cause: start });
        assert.equal(abort.listeners, 0);
      }
      await client.write(utf8(" and more"));
      assert.equal(fromUtf8(await readAll(server, 13)), "sent and more");
    });

    test("small writes of one turn leave as one record, larger ones in chunks", async () => {
      const { client, server, a } = await channelPair({ crypto, outboundRecordChunkBytes: 10 });
      const writes = ["ab", "cd", "efghijkl", "mn"].map((text) => client.write(utf8(text)));
      await Promise.all(writes);
      assert.deepEqual(a.written.map((frame) => frame.length - 34), [10, 4]);
      assert.equal(fromUtf8(await readAll(server, 14)), "abcdefghijklmn");
    });

    test("a write that would leave a splinter in a record begins the next one, one that fits does not", async () => {
      const { client, a } = await channelPair({ crypto, outboundRecordChunkBytes: 1600 });
      await Promise.all([1501, 100, 1599, 1, 1500, 101].map((size) => client.write(pattern(size))));
      assert.deepEqual(a.written.map((frame) => frame.length - 34), [1501, 1600, 1600, 101]);
    });

    test("parts are as if they were one, and records end anywhere in them", async () => {
      const { client, server, a } = await channelPair({ crypto, outboundRecordChunkBytes: 4 });
      const parts = ["a", "", "bcd", "efghij", "k"].map(utf8);
      await Promise.all([client.writeParts(parts), client.write(utf8("l")), client.writeParts([utf8("")])]);
      assert.deepEqual(a.written.map((frame) => frame.length - 34), [4, 4, 4]);
      assert.deepEqual(parts.map(fromUtf8), ["a", "", "bcd", "efghij", "k"]);
      assert.equal(fromUtf8(await readAll(server, 12)), "abcdefghijkl");
    });

    test("bytes may change once the call has returned, whether they are sealed at once or wait", async () => {
      const { client, server } = await channelPair({ crypto });
      // More than is sealed ahead, before and after a rekey for which the rest waits.
      const sizes = [100, 16_384, 16_383, 65_536, 300_000, 65_536 * 9, 5, 20_000];
      const write = (size: number, i: number) => {
        const bytes = pattern(size);
        const writing = client.writeParts([bytes.subarray(0, 7), bytes.subarray(7)]);
        bytes.fill(0);
        return i === 3 ? [writing, client.rekeyNow()] : [writing];
      };
      const expected = concat(...sizes.map(pattern));
      const [got] = await Promise.all([readAll(server, expected.length), ...sizes.flatMap(write)]);
      assert.deepEqual(got, expected);
    });

    test("a large write is sealed before its call returns, behind the small ones, and one that cannot be rejects", async () => {
      const { client, server, a } = await channelPair({ crypto });
      await Promise.all([client.write(pattern(10)), client.write(pattern(20_000)), client.write(pattern(30))]);
      assert.deepEqual(a.written.map((frame) => frame.length - 34), [20_010, 30]);
      assert.deepEqual(await readAll(server, 20_040), concat(pattern(10), pattern(20_000), pattern(30)));
      const last = await channelPair({ crypto, sequence: 0xffff_ffff_ffff_ffffn });
      assert.equal(await recordCode(() => last.client.write(pattern(20_000))), "exhausted");
    });

    for (const copiesFrames of [true, false]) {
      test(`a large frame is ${copiesFrames ? "used again" : "the transport's"} where the transport ${copiesFrames ? "copies" : "does not say that it copies"}`, async () => {
        const { client, server, a } = await channelPair({ crypto });
        const [frames, write] = [new Set<ArrayBufferLike>(), a.writeBinary.bind(a)];
        Object.assign(a, copiesFrames && { copiesFrames }, {
          writeBinary(frame: Uint8Array) {
            frames.add(frame.buffer);
            return write(frame);
          },
        });
        const bytes = pattern(65_536 * 20 + 65_535);
        const [got] = await Promise.all([readAll(server, bytes.length), client.write(bytes), client.rekeyNow()]);
        assert.deepEqual(got, bytes);
        assert.equal(a.written.length, 22);
        assert.ok(copiesFrames ? frames.size <= 14 : frames.size === 22, `${frames.size} buffers`);
      });
    }

    test("of frames no more than 512 KiB are kept", async () => {
      const { sealer } = await filledSpares(crypto, 65_536, 40);
      assert.equal(sealer.spares.length, 7);
      assert.equal((await filledSpares(crypto, 600_000, 2)).sealer.spares.length, 0);
    });

    test("trap 6: empty app records are never sent, and one received is ignored", async () => {
      const { client, server, a, b } = await channelPair({ crypto });
      await client.write(new Uint8Array(0));
      await turns();
      assert.equal(a.written.length, 0);
      b.arrive(forged(0, 1n, ""));
      b.arrive(forged(0, 2n, "next"));
      assert.equal(fromUtf8(await server.read()), "next");
    });

    test("ping and rekey records are 34 bytes", async () => {
      const { client, a } = await channelPair({ crypto });
      await Promise.all([client.sendPing(), client.rekeyNow()]);
      assert.deepEqual(a.written.map((frame) => [frame.length, frame[5]]), [[34, 1], [34, 2]]);
    });

    test("a record that does not open ends the channel after what came before it", async () => {
      const { client, server, a, b } = await channelPair({ crypto });
      a.tamper = (frame, index) => (index === 2 ? flipped(frame) : frame);
      for (let i = 0; i < 3; i++) await client.write(pattern(2000));
      client.write(pattern(2000)).catch(() => {});
      await b.closed;
      assert.equal((await server.read()).length, 2000);
      assert.equal((await server.read()).length, 2000);
      assert.equal(await recordCode(() => server.read()), "open_failed");
      assert.equal(await recordCode(() => server.write(utf8("x"))), "open_failed");
      assert.equal(b.closes, 1);
      await assert.rejects(client.read(), PipeClosedError);
    });

    test("the transport's end is the channel's, after what was buffered", async () => {
      const { client, server } = await channelPair({ crypto });
      await client.write(utf8("last words"));
      await turns();
      client.close();
      assert.equal(fromUtf8(await server.read()), "last words");
      await assert.rejects(server.read(), PipeClosedError);
      await assert.rejects(server.sendPing(), PipeClosedError);
    });

    test("a failed write is the end, and is kept", async () => {
      const { client, a } = await channelPair({ crypto });
      a.writeFailure = new Error("cable");
      const [one, two] = [client.write(pattern(100_000)), client.sendPing()];
      for (const work of [one, two, client.read()]) await assert.rejects(work, { message: "cable" });
      for (const work of [client.write(utf8("x")), client.rekeyNow(), client.read()]) await assert.rejects(work, { message: "cable" });
      assert.equal(a.closes, 1);
    });

    test("the sequence ends before 2^64 - 1", async () => {
      const { client, server } = await channelPair({ crypto, sequence: 2n ** 64n - 2n });
      await client.write(utf8("last"));
      assert.equal(fromUtf8(await server.read()), "last");
      const [one, two] = [client.write(utf8("one")), client.sendPing()];
      assert.equal(await recordCode(() => one), "exhausted");
      assert.equal(await recordCode(() => two), "exhausted");
    });

    test("unread plaintext holds at its limit, and one past ends the channel", async () => {
      const { client, server, b } = await channelPair({ crypto, maxBufferedBytes: 3000 });
      await client.write(pattern(2000));
      await client.write(pattern(1000));
      assert.equal((await server.read()).length, 2000);
      await client.write(pattern(2000)); // what was read makes room
      client.write(utf8("x")).catch(() => {});
      await b.closed;
      assert.equal(await recordCode(() => server.write(utf8("x"))), "inbound_overflow");
    });

    test("of unread records their plaintext alone counts, and a ping takes no room", async () => {
      const { client, server, b } = await channelPair({ crypto, maxBufferedBytes: 4 });
      for (let i = 0; i < 4; i++) await client.write(utf8("x"));
      assert.equal((await server.read()).length, 1);
      await client.write(utf8("x")); // what was read makes room
      await client.sendPing(); // takes none
      client.write(utf8("x")).catch(() => {});
      await b.closed;
      assert.equal(await recordCode(() => server.write(utf8("x"))), "inbound_overflow");
    });
  });
}
