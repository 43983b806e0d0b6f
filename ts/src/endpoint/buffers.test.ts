// Node programs hand over Buffers, whose slice() shares the bytes it gives: nothing here may rely on slice() for a copy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../base/index.js";
import { IssuerKeyset } from "../controlplane/issuer_keyset.js";
import { checkedOptions } from "../handshake/options.js";
import { channelPair } from "../testing/yamux_channel.js";
import { YamuxSession, type YamuxStream } from "../yamux/index.js";
import { checkPsk } from "./inputs.js";

const key = () => Buffer.alloc(32, 7);

test("wiping the copy of a key leaves the caller's Buffer as it was", () => {
  const given = key();
  checkPsk("direct", given).fill(0);
  checkedOptions({ channelId: "c", suite: 1, psk: given }).psk.fill(0);
  new IssuerKeyset("k1", given).dispose();
  assert.deepEqual(given, key());
});

test("a Buffer may change as soon as write() has returned its promise", async () => {
  const [near, far] = channelPair();
  let accept: (stream: YamuxStream) => void;
  const accepted = new Promise<YamuxStream>((resolve) => (accept = resolve));
  const client = new YamuxSession(near, { client: true });
  const server = new YamuxSession(far, { client: false, onIncomingStream: (stream) => accept(stream) });
  const stream = await client.openStream();
  const bytes = Buffer.alloc(300_000, 1); // more than the window
  const written = stream.write(bytes).then(() => stream.close());
  bytes.fill(2);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await accepted) chunks.push(chunk);
  await written;
  assert.equal(concat(...chunks).length, 300_000);
  assert.equal(concat(...chunks).indexOf(2), -1);
  client.close();
  server.close();
});
