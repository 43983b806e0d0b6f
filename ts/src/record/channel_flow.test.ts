import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromUtf8, utf8 } from "../base/index.js";
import type { Cipher, CryptoProvider } from "../crypto/index.js";
import { webCrypto } from "../crypto/browser/provider.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import { pattern } from "../testing/bytes.js";
import { channelPair, forged, readAll, recordCode, turns } from "../testing/record_fixture.js";
import { readSharedJson } from "../testing/repository.js";
import { maxUnreadRecords, SecureChannel } from "./index.js";

/** WebCrypto whose ciphers are changed. */
function withCiphers(change: (inner: Cipher) => Partial<Cipher>): CryptoProvider {
  const platform = webCrypto(crypto.subtle);
  return {
    ...platform,
    cipher: async (key) => {
      const inner = await platform.cipher(key);
      const { seal, open, wipe } = { seal: inner.seal.bind(inner), open: inner.open.bind(inner), wipe: inner.wipe.bind(inner), ...change(inner) };
      return { seal, open, wipe };
    },
  };
}
const kindOf = (frame: Uint8Array | undefined) => frame?.[5];

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

  for (const [name, peerCrypto] of [["at once", nodeCrypto], ["later", webCrypto(crypto.subtle)]] as const) {
    test(`16 384 records may be unread, and not one more: opened ${name}`, async () => {
      const { server, a, b } = await channelPair({ peerCrypto });
      let sequence = 1n;
      const arrive = async (...texts: string[]) => {
        for (const text of texts) a.peer.arrive(forged(0, sequence++, text));
        do await turns(1);
        while ((server as unknown as { opening?: unknown }).opening);
      };
      await arrive(...Array.from({ length: maxUnreadRecords }, () => "x"));
      assert.equal(fromUtf8(await server.read()), "x"); // what was read makes room
      await arrive(""); // keeps none
      await arrive("x");
      assert.deepEqual([maxUnreadRecords, b.closes], [16_384, 0]);
      await arrive("x");
      await b.closed;
      assert.equal(await recordCode(() => server.write(utf8("x"))), "inbound_overflow");
    });
  }

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
    const slow = withCiphers((cipher) => ({
      async open(...args) {
        most = Math.max(most, ++inFlight);
        await new Promise(setImmediate);
        inFlight--;
        return cipher.open(...args);
      },
    }));
    const { server, a } = await channelPair({ peerCrypto: slow });
    for (let sequence = 1n; sequence <= 50n; sequence++) a.peer.arrive(forged(1, sequence, ""));
    a.peer.arrive(forged(0, 51n, "behind them"));
    assert.equal(fromUtf8(await server.read()), "behind them");
    assert.equal(most, 1);
  });

  test("records of implementations that take their time leave in order, several in flight", async () => {
    let inFlight = 0;
    let most = 0;
    const slow = withCiphers((cipher) => ({
      async seal(nonce, aad, plaintext, into) {
        most = Math.max(most, ++inFlight);
        for (let i = (nonce[11] as number) % 3; i >= 0; i--) await new Promise(setImmediate); // later ones may finish first
        await cipher.seal(nonce, aad, plaintext, into);
        inFlight--;
      },
    }));
    const { client, server } = await channelPair({ crypto: slow });
    const sent = client.write(pattern(1_000_000));
    assert.deepEqual(await readAll(server, 1_000_000), pattern(1_000_000));
    await sent;
    assert.ok(most > 2 && most <= 8, `${most} in flight`);
  });
});
