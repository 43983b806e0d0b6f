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
import { channelPair, forged, makeOpener, makeSealer, recordCode } from "../testing/record_fixture.js";
import { readSharedJson } from "../testing/repository.js";
import { clientToServer, recordCostBytes, SecureChannel, serverToClient } from "./index.js";

const turns = async (n = 20) => {
  for (let i = 0; i < n; i++) await new Promise(setImmediate);
};
const readAll = async (from: SecureChannel, bytes: number): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  for (let got = 0; got < bytes; ) {
    const part = await from.read();
    parts.push(part);
    got += part.length;
  }
  return concat(...parts);
};
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
const kindOf = (frame: Uint8Array | undefined) => frame?.[5];

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
      const { client, server, b } = await channelPair({ crypto, maxBufferedBytes: 3000 + recordCostBytes });
      await client.write(pattern(2000));
      await client.write(pattern(1000));
      assert.equal((await server.read()).length, 2000);
      await client.write(pattern(2000)); // what was read makes room
      client.write(utf8("x")).catch(() => {});
      await b.closed;
      assert.equal(await recordCode(() => server.write(utf8("x"))), "inbound_overflow");
    });

    test("a record of one byte costs what it costs to hold", async () => {
      const { client, server, b } = await channelPair({ crypto, maxBufferedBytes: 4 + 3 * recordCostBytes });
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

describe("secure channel", () => {
  test("reading goes on while a write waits", async () => {
    const { client, server, a } = await channelPair();
    a.isStalled = true;
    const stuck = client.write(utf8("stuck"));
    await turns();
    await server.write(utf8("still here"));
    assert.equal(fromUtf8(await client.read()), "still here");
    a.release();
    await stuck;
  });

  test("writes behind a waiting one are gathered", async () => {
    const { client, a } = await channelPair();
    a.isStalled = true;
    const first = client.write(utf8("first"));
    await turns();
    const others = Array.from({ length: 50 }, () => client.write(pattern(10)));
    a.release();
    await Promise.all([first, ...others]);
    assert.deepEqual(a.written.map((frame) => frame.length - 34), [5, 500]);
  });

  test("a ping may fall between the records of one write", async () => {
    const { client, a } = await channelPair({ outboundRecordChunkBytes: 4 });
    await Promise.all([client.write(utf8("abcdef")), client.sendPing(), client.write(utf8("gh"))]);
    assert.deepEqual(a.written.map(kindOf), [0, 0, 1, 0]);
  });

  test("admission: all of a write or nothing, and only the call is refused", async () => {
    const table = readSharedJson("testdata/record/refusals.json") as {
      admission: { limit: number; steps: { do: "write" | "finish"; bytes?: number; error?: string }[] };
    };
    const { client, a } = await channelPair({ maxOutboundBufferedBytes: table.admission.limit });
    a.isStalled = true;
    let unfinished: Promise<void>[] = [];
    for (const step of table.admission.steps) {
      if (step.do === "finish") {
        a.release();
        await Promise.all(unfinished);
        unfinished = [];
        a.isStalled = true;
        continue;
      }
      const write = client.write(pattern(step.bytes ?? 0));
      if (step.error === undefined) unfinished.push(write);
      else assert.equal(await recordCode(() => write), step.error, JSON.stringify(step));
    }
    a.release();
    await client.sendPing();
    assert.equal(a.closes, 0);
  });

  test("a failed write gives its room back only with the channel", async () => {
    const { client, a } = await channelPair({ maxOutboundBufferedBytes: 8 });
    a.isStalled = true;
    const writes = [client.write(pattern(8)), client.sendPing()];
    await turns();
    client.close();
    for (const write of writes) assert.equal(await recordCode(() => write), "closed");
    assert.equal(await recordCode(() => client.write(pattern(1))), "closed");
  });

  test("several waiting reads are served in their order", async () => {
    const { client, server } = await channelPair();
    const reads = [server.read(), server.read()];
    await client.write(utf8("one"));
    await client.write(utf8("two"));
    assert.deepEqual((await Promise.all(reads)).map(fromUtf8), ["one", "two"]);
  });

  test("a record larger than the inbound limit passes when a reader waits for it", async () => {
    const { client, server } = await channelPair({ maxBufferedBytes: 10 });
    const read = server.read();
    await client.write(pattern(100));
    assert.equal((await read).length, 100);
  });

  test("close is once, fails who waits, wipes keys", async () => {
    const { client, a } = await channelPair();
    const read = client.read();
    client.close();
    client.close();
    assert.equal(await recordCode(() => read), "closed");
    assert.equal(await recordCode(() => client.read()), "closed");
    assert.equal(a.closes, 1);
    const { sealer, opener } = client as unknown as Record<"sealer" | "opener", { keys: { rekeyBase: Uint8Array } }>;
    for (const { keys } of [sealer, opener]) assert.deepEqual(keys.rekeyBase, new Uint8Array(32));
  });

  test("floods in both directions with small buffers finish", async () => {
    const { client, server } = await channelPair({ maxBufferedBytes: 300_000, maxOutboundBufferedBytes: 100_000 });
    const total = 3_000_000;
    const send = async (from: SecureChannel) => {
      for (let sent = 0; sent < total; sent += 50_000) await from.write(pattern(50_000));
    };
    const [atServer, atClient] = await Promise.all([readAll(server, total), readAll(client, total), send(client), send(server)]);
    assert.deepEqual([atServer.length, atClient.length], [total, total]);
  });

  test("pings of a peer that sends nothing else are opened one at a time", async () => {
    let inFlight = 0;
    let most = 0;
    const slow = { ...webCrypto(crypto.subtle) };
    const cipherOf = slow.cipher;
    slow.cipher = async (key) => {
      const cipher = await cipherOf(key);
      const open = async (...args: Parameters<typeof cipher.open>) => {
        most = Math.max(most, ++inFlight);
        await new Promise(setImmediate);
        inFlight--;
        return cipher.open(...args);
      };
      return { seal: (...args) => cipher.seal(...args), open, wipe: () => cipher.wipe() };
    };
    const { server, a } = await channelPair({ peerCrypto: slow });
    for (let sequence = 1n; sequence <= 50n; sequence++) a.peer.arrive(forged(1, sequence, ""));
    a.peer.arrive(forged(0, 51n, "behind them"));
    assert.equal(fromUtf8(await server.read()), "behind them");
    assert.equal(most, 1);
  });

  test("records of implementations that take their time leave in order, several in flight", async () => {
    let inFlight = 0;
    let most = 0;
    const slow = { ...webCrypto(crypto.subtle) };
    const cipherOf = slow.cipher;
    slow.cipher = async (key) => {
      const cipher = await cipherOf(key);
      return {
        async seal(nonce, aad, plaintext, into) {
          most = Math.max(most, ++inFlight);
          for (let i = (nonce[11] as number) % 3; i >= 0; i--) await new Promise(setImmediate); // later ones may finish first
          await cipher.seal(nonce, aad, plaintext, into);
          inFlight--;
        },
        open: (nonce, aad, sealed) => cipher.open(nonce, aad, sealed),
        wipe: () => cipher.wipe(),
      };
    };
    const { client, server } = await channelPair({ crypto: slow });
    const sent = client.write(pattern(1_000_000));
    assert.deepEqual(await readAll(server, 1_000_000), pattern(1_000_000));
    await sent;
    assert.ok(most > 2 && most <= 8, `${most} in flight`);
  });
});
