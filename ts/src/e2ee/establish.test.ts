import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AbortError, fromUtf8, TimeoutError, utf8 } from "../base/index.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { flipped } from "../testing/bytes.js";
import { nowS, sharedPsk } from "../testing/handshake_fixture.js";
import { ManualClock } from "../testing/manual_clock.js";
import { MemoryTransport, PipeClosedError } from "../testing/memory_transport.js";
import {
  clientHandshake, serverHandshake, ServerHandshakeCache, type ClientHandshakeOptions, type ServerHandshakeOptions,
} from "./index.js";

const turns = async (n = 30) => {
  for (let i = 0; i < n; i++) await new Promise(setImmediate);
};
const common = () => ({ channelId: "chan-1", suite: 1 as const, psk: sharedPsk(), clock: new ManualClock(nowS) });
const client = (more: Partial<ClientHandshakeOptions> = {}): ClientHandshakeOptions => ({ ...common(), clientFeatures: 0x10001, ...more });
const server = (more: Partial<ServerHandshakeOptions> = {}): ServerHandshakeOptions => ({
  ...common(), serverFeatures: 0x10002, initExpireAtUnixS: nowS + 60, clockSkewSeconds: 30, ...more,
});

describe("handshake over a transport", () => {
  test("is INIT, RESP, ACK and a ping of 34 bytes, and then records from 1 and 2", async () => {
    const [a, b] = MemoryTransport.pair();
    const [c, s] = await Promise.all([clientHandshake(a, client()), serverHandshake(b, undefined, server())]);
    await Promise.all([c.write(utf8("x")), s.write(utf8("y"))]);
    assert.deepEqual(a.written.map((frame) => fromUtf8(frame.subarray(0, 4)) + String(frame[5])), ["FSEH1", "FSEH3", "FSEC0"]);
    assert.deepEqual(b.written.map((frame) => fromUtf8(frame.subarray(0, 4)) + String(frame[5])), ["FSEH2", "FSEC1", "FSEC0"]);
    assert.deepEqual([a.written[2]?.[13], b.written[1]?.[13], b.written[1]?.length, b.written[2]?.[13]], [1, 1, 34, 2]);
    assert.equal(c.commonFeatures, 0x10000);
    assert.equal(s.commonFeatures, 0x10000);
  });

  test("a repeated INIT gets the identical RESP, and the client of the second is served", async () => {
    const [a, b] = MemoryTransport.pair();
    a.tamper = (frame, index) => {
      if (index === 0) b.arrive(frame.slice());
      return frame;
    };
    let answers = 0;
    b.tamper = (frame) => (frame[5] === 2 && frame[3] === 0x48 && ++answers === 2 ? undefined : frame);
    await Promise.all([clientHandshake(a, client()), serverHandshake(b, undefined, server())]);
    assert.deepEqual(b.written[0], b.written[1]);
  });

  test("a shared cache holds nothing after success, and one entry after a client that left", async () => {
    const cache = new ServerHandshakeCache();
    const [a, b] = MemoryTransport.pair();
    await Promise.all([clientHandshake(a, client()), serverHandshake(b, cache, server())]);
    assert.equal(cache.size, 0);
    const [c, d] = MemoryTransport.pair();
    c.tamper = (frame, index) => (index === 1 ? undefined : frame);
    const work = serverHandshake(d, cache, server());
    const left = clientHandshake(c, client());
    await turns();
    c.close();
    await assert.rejects(work, PipeClosedError);
    await assert.rejects(left, PipeClosedError);
    assert.equal(cache.size, 1);
  });

  test("what is wrong with the ACK is told the server, and the client sees the end", async () => {
    const rows: [string, Partial<ServerHandshakeOptions>][] = [
      ["auth_tag_mismatch", { psk: new Uint8Array(32) }],
      ["wrong_channel_id", { channelId: "chan-2" }],
      ["wrong_suite", { suite: 2 }],
      ["timestamp_out_of_skew", { clock: new ManualClock(nowS + 31) }],
      ["timestamp_after_init_exp", { initExpireAtUnixS: nowS - 31 }],
    ];
    for (const [code, wrong] of rows) {
      const [a, b] = MemoryTransport.pair();
      const work = clientHandshake(a, client());
      const seen = assert.rejects(work, PipeClosedError);
      await assert.rejects(serverHandshake(b, undefined, server(wrong)), { name: "HandshakeError", code });
      await seen;
      assert.ok(a.closes > 0 && b.closes > 0);
    }
  });

  test("a server-finished record that was changed ends the client", async () => {
    const [a, b] = MemoryTransport.pair();
    b.tamper = (frame, index) => (index === 1 ? flipped(frame) : frame);
    void serverHandshake(b, undefined, server()).catch(() => {});
    await assert.rejects(clientHandshake(a, client()), { name: "RecordError", code: "open_failed" });
    assert.ok(a.closes > 0);
  });

  test("a record before the server finished, or garbage in any place, ends the handshake", async () => {
    for (let index = 0; index < 2; index++) {
      for (const from of ["client", "server"]) {
        const [a, b] = MemoryTransport.pair();
        (from === "client" ? a : b).tamper = (frame, i) => (i === index ? utf8("FSEC and then garbage") : frame);
        const ends = await Promise.allSettled([clientHandshake(a, client()), serverHandshake(b, undefined, server())]);
        assert.ok(ends.some((end) => end.status === "rejected"), `${from} ${index}`);
        assert.ok(a.closes + b.closes > 0);
      }
    }
  });

  test("options are checked before anything is sent, and the transport is closed", async () => {
    const bad: [string, object][] = [
      ["bad_psk", { psk: new Uint8Array(31) }], ["bad_suite", { suite: 3 }], ["bad_channel_id", { channelId: "" }],
      ["bad_limits", { timeoutMs: -1 }], ["bad_limits", { timeoutMs: NaN }], ["bad_limits", { maxRecordBytes: 34 }],
      ["bad_limits", { outboundRecordChunkBytes: 2_000_000 }], ["bad_limits", { maxHandshakePayload: -1 }],
    ];
    for (const [code, options] of bad) {
      for (const role of ["client", "server"]) {
        const [a] = MemoryTransport.pair();
        const work = role === "client" ? clientHandshake(a, client(options)) : serverHandshake(a, undefined, server(options));
        await assert.rejects(work, { code }, `${role} ${code}`);
        assert.equal(a.written.length, 0);
        assert.ok(a.closes > 0);
      }
    }
  });

  test("the time limit is for all of it, default 10 s, 0 is none", async () => {
    for (const [timeoutMs, endsAt] of [[undefined, 10_000], [50, 50]] as const) {
      const clock = new ManualClock(nowS);
      const [a] = MemoryTransport.pair();
      const work = clientHandshake(a, client({ clock, timeoutMs }));
      await turns();
      clock.advance(endsAt - 1);
      assert.equal(a.closes, 0);
      clock.advance(1);
      await assert.rejects(work, TimeoutError);
      assert.ok(a.closes > 0);
      assert.equal(clock.pending, 0);
    }
    const clock = new ManualClock(nowS);
    const [a, b] = MemoryTransport.pair();
    const work = serverHandshake(b, undefined, server({ clock, timeoutMs: 0 }));
    await turns();
    clock.advance(1e9);
    assert.equal(clock.pending, 0);
    a.close();
    await assert.rejects(work, PipeClosedError);
  });

  test("abort at every message leaves no listener, timer or waiting read", async () => {
    for (const role of ["client", "server"]) {
      for (let at = 0; at <= 2; at++) {
        const [a, b] = MemoryTransport.pair();
        const abort = new CountedAbort();
        const clock = new ManualClock(nowS);
        const mine = { signal: abort.signal, clock };
        // The peer's messages from `at` on never arrive, so that the handshake waits there.
        const [own, other] = role === "client" ? [a, b] : [b, a];
        other.tamper = (frame, index) => (index >= at ? undefined : frame);
        const peer = role === "client" ? serverHandshake(b, undefined, server()) : clientHandshake(a, client());
        peer.catch(() => {});
        const work = role === "client" ? clientHandshake(a, client(mine)) : serverHandshake(b, undefined, server(mine));
        work.catch(() => {});
        await turns();
        if (at === 2) {
          // Everything arrived: a finished handshake has let go of signal and clock.
          await work;
          assert.deepEqual([abort.listeners, clock.pending], [0, 0]);
          continue;
        }
        assert.deepEqual([abort.listeners, clock.pending], [1, 1]);
        const reason = new Error("changed my mind");
        abort.abort(reason);
        await assert.rejects(work, (error) => error instanceof AbortError && error.cause === reason);
        assert.deepEqual([abort.listeners, clock.pending, own.waiting], [0, 0, 0], `${role} ${at}`);
        assert.ok(own.closes > 0);
      }
    }
  });

  test("an aborted signal sends nothing", async () => {
    const [a] = MemoryTransport.pair();
    await assert.rejects(clientHandshake(a, client({ signal: AbortSignal.abort() })), AbortError);
    assert.equal(a.written.length, 0);
    assert.ok(a.closes > 0);
  });

  test("a handshake that succeeds too late is no session, and its keys are wiped", async () => {
    const [a, b] = MemoryTransport.pair();
    const abort = new AbortController();
    a.tamper = (frame, index) => {
      if (index === 1) abort.abort(); // ACK is on its way to a server that will accept it
      return frame;
    };
    const s = serverHandshake(b, undefined, server());
    await assert.rejects(clientHandshake(a, client({ signal: abort.signal })), AbortError);
    await s.then((channel) => assert.rejects(channel.read()), () => {});
    assert.ok(a.closes > 0);
  });
});
