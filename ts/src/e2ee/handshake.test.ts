import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8, fromUtf8 } from "../base/index.js";
import { webCrypto } from "../crypto/browser/provider.js";
import { nobleCrypto } from "../crypto/noble/provider.js";
import { nodeCrypto } from "../crypto/node/provider.js";
import type { SuiteId } from "../crypto/index.js";
import { MemoryTransport } from "../testing/memory_transport.js";
import { clientHandshake, serverHandshake } from "./index.js";

const providers = [nodeCrypto, webCrypto(crypto.subtle), nobleCrypto];
for (const clientCrypto of providers) {
  for (const serverCrypto of providers) {
    for (const suite of [1, 2] as SuiteId[]) {
      test(`${clientCrypto.name} and ${serverCrypto.name} talk with suite ${suite}`, async () => {
        const [a, b] = MemoryTransport.pair();
        const common = { channelId: "chan-1", suite, psk: new Uint8Array(32).fill(7) };
        const now = Math.floor(Date.now() / 1000);
        const [client, server] = await Promise.all([
          clientHandshake(a, { ...common, clientFeatures: 0x10001, crypto: clientCrypto }),
          serverHandshake(b, undefined, { ...common, serverFeatures: 0x10002, initExpireAtUnixS: now + 60, clockSkewSeconds: 30, crypto: serverCrypto }),
        ]);
        assert.equal(client.commonFeatures, 0x10000);
        void client.write(utf8("hello"));
        assert.equal(fromUtf8(await server.read()), "hello");
        await Promise.all([client.rekeyNow(), server.rekeyNow(), client.sendPing()]);
        const big = new Uint8Array(300_000).map((_, i) => i * 31);
        const sent = server.write(big);
        const got: number[] = [];
        while (got.length < big.length) got.push(...(await client.read()));
        await sent;
        assert.deepEqual(Uint8Array.from(got), big);
        client.close();
        await assert.rejects(server.read());
        await assert.rejects(client.read(), { name: "RecordError", code: "closed" });
      });
    }
  }
}
