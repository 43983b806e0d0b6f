import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { FlowersecError, fromUtf8, utf8, writeU32 } from "../base/index.js";
import { envelopeFrame } from "../rpc/envelope.js";
import { RpcRouter, RpcServer, RpcStreamError } from "../rpc/index.js";
import { createByteReader } from "../streamio/index.js";
import { CountedAbort } from "../testing/counted_signal.js";
import { ManualClock } from "../testing/manual_clock.js";
import { connected, type World } from "../testing/world.js";
import { isYamuxPingTimeoutError, isYamuxStreamResetError } from "../yamux/index.js";
import { livenessOfIdleTimeout } from "./liveness.js";

const isTriple = (path: string, stage: string, code: string) => (error: unknown) =>
  error instanceof FlowersecError && `${error.path}/${error.stage}/${error.code}` === `${path}/${stage}/${code}`;

/** Accepts everything: echoes kind echo, serves calls on kind rpc. */
async function serve({ session }: World, router: RpcRouter): Promise<void> {
  for (;;) {
    const { kind, stream } = await session.acceptStream();
    if (kind === "rpc") {
      const reader = createByteReader(stream);
      const server = new RpcServer({ readExactly: (n) => reader.readExactly(n), write: (bytes) => stream.write(bytes), close: () => stream.close() }, {}, router);
      router.register(1, async (payload) => {
        await server.notify(2, { hello: "world" });
        return { payload };
      });
      void server.serve();
    } else if (kind === "echo") {
      void (async () => {
        for await (const bytes of stream) await stream.write(bytes);
        await stream.close();
      })().catch(() => {});
    } else {
      stream.reset();
    }
  }
}

async function world(...args: Parameters<typeof connected>): Promise<World> {
  const made = await connected(...args);
  serve(made, new RpcRouter()).catch(() => {});
  return made;
}

for (const suite of [1, 2] as const) {
  test(`suite ${suite}: calls, notifications, an echo of 1 MiB, pings, keys, probes, the end`, async () => {
    const { client, session } = await world({}, {}, suite);
    const heard: unknown[] = [];
    client.rpc.onNotify(2, (payload) => void heard.push(payload));
    assert.deepEqual(await client.rpc.call(1, { a: 1 }), { payload: { a: 1 } });
    assert.deepEqual(heard, [{ hello: "world" }]);
    assert.equal((await client.rpc.call(9, {})).error?.code, 404);

    const stream = await client.openStream(" echo ");
    const sent = new Uint8Array(1_048_576).map((_, i) => i ^ (i >> 8));
    const writing = stream.write(sent).then(() => stream.close());
    const got = new Uint8Array(sent.length);
    let at = 0;
    for await (const chunk of stream) {
      got.set(chunk, at);
      at += chunk.length;
      if (at === 300_000 || at > 500_000) await Promise.all([client.rekey(), session.rekey()]);
    }
    await writing;
    assert.deepEqual(got, sent);

    await Promise.all([client.ping(), session.ping(), client.rekey(), session.rekey()]);
    assert.ok((await client.probeLiveness()) >= 0);
    assert.ok((await session.probeLiveness()) >= 0);
    assert.deepEqual(await client.rpc.call(1, 2), { payload: 2 });
    client.close();
    client.close();
    assert.equal(await client.ended, undefined);
    const ended = await session.ended;
    assert.ok(isTriple("direct", "close", "not_connected")(ended));
  });
}

test("either side opens streams, each with its hello; bytes behind a hello are kept", async () => {
  const { client, session } = await connected();
  const { kind: first } = await session.acceptStream();
  assert.equal(first, "rpc");
  const stream = await client.openStream("x");
  await stream.write(utf8("behind"));
  const accepted = await session.acceptStream();
  assert.equal(accepted.kind, "x");
  assert.equal(fromUtf8((await accepted.stream.read()) as Uint8Array), "behind");
  // A client takes no streams: it resets them.
  const ours = await session.openStream("y");
  await assert.rejects(ours.read(), isYamuxStreamResetError);
  client.close();
});

test("a session may be let go of with await using: what was written arrives", async () => {
  const { client, session } = await connected();
  await session.acceptStream();
  {
    await using held = client;
    const stream = await held.openStream("x");
    await stream.write(utf8("last words"));
  }
  const { stream } = await session.acceptStream();
  assert.equal(fromUtf8((await stream.read()) as Uint8Array), "last words");
});

test("a file that was sent whole arrives whole, also where it is read more slowly than its sender leaves", async () => {
  const { client, session } = await connected();
  await session.acceptStream();
  const sent = new Uint8Array(200_000).map((_, i) => i);
  const accepting = session.acceptStream();
  {
    await using held = client;
    const stream = await held.openStream("file");
    await stream.write(sent);
    await stream.close();
  }
  const { stream } = await accepting;
  await session.ended;
  let at = 0;
  for await (const chunk of stream) {
    assert.deepEqual(chunk, sent.subarray(at, (at += chunk.length)));
    await turn();
  }
  assert.equal(at, sent.length);
});

// ---- opening

test("a stream needs a kind", async () => {
  const { client } = await connected();
  for (const kind of ["", "  ", undefined as never, 5 as never]) await assert.rejects(client.openStream(kind), isTriple("direct", "rpc", "missing_stream_kind"));
  await assert.rejects(client.openStream("x".repeat(8193)), isTriple("direct", "rpc", "stream_hello_failed"));
  client.close();
});

test("rpcEnded tells of a stream of calls on which something came, and of none that was never used", async () => {
  for (const isUsed of [true, false]) {
    const { client, session } = await connected();
    const { stream } = await session.acceptStream();
    let told: unknown;
    void client.rpcEnded.then((error) => (told = error));
    if (isUsed) {
      const heard = new Promise((resolve) => client.rpc.onNotify(2, resolve));
      await stream.write(envelopeFrame(2, {}, null));
      await heard;
    }
    stream.reset();
    await assert.rejects(client.rpc.call(1, null), RpcStreamError);
    await client.probeLiveness();
    assert.equal(isTriple("direct", "rpc", "rpc_failed")(told), isUsed);
    assert.equal(told === undefined, !isUsed);
    client.close();
  }
});

test("the 65th stream is refused, and the session goes on", async () => {
  const { client } = await world({}, { yamuxLimits: { maxInboundStreams: 64 } });
  const streams = await Promise.all(Array.from({ length: 63 }, () => client.openStream("echo")));
  await assert.rejects(client.openStream("echo"), isTriple("direct", "yamux", "resource_exhausted"));
  streams[0]?.reset();
  await client.probeLiveness(); // the reset has left
  const stream = await client.openStream("echo");
  await stream.write(utf8("still"));
  assert.equal(fromUtf8((await stream.read()) as Uint8Array), "still");
  client.close();
});

for (const [name, stage] of [["ping", "secure"], ["rekey", "secure"], ["probeLiveness", "yamux"]] as const) {
  test(`${name} may be given up, in each role: the reason is kept, nothing is left behind, the session goes on`, async () => {
    const { client, session } = await connected();
    const starts = [
      (signal: AbortSignal) => client[name]({ signal }),
      (signal: AbortSignal) => (name === "probeLiveness" ? session.probeLiveness(undefined, { signal }) : session[name]({ signal })),
    ];
    for (const start of starts) {
      const [before, during, after] = [new CountedAbort(), new CountedAbort(), new CountedAbort()];
      const why = new Error("enough");
      const isCanceled = (error: unknown) => isTriple("direct", stage, "canceled")(error) && (error as Error).cause === why;
      before.abort(why);
      await assert.rejects(start(before.signal), isCanceled);
      const waiting = start(during.signal);
      during.abort(why);
      await assert.rejects(waiting, isCanceled);
      await start(after.signal);
      assert.deepEqual([before.listeners, during.listeners, after.listeners], [0, 0, 0]);
    }
    assert.ok((await client.probeLiveness()) >= 0);
    client.close();
  });
}

test("aborting before and during opening rejects with the reason and leaves nothing; afterwards it does nothing", async () => {
  const { client, session } = await connected();
  await session.acceptStream();
  const before = new CountedAbort();
  const why = new Error("enough");
  before.abort(why);
  await assert.rejects(client.openStream("x", { signal: before.signal }), (error) => isTriple("direct", "yamux", "canceled")(error) && (error as Error).cause === why);
  const during = new CountedAbort();
  const opening = client.openStream("x", { signal: during.signal });
  during.abort(why);
  await assert.rejects(opening, (error) => isTriple("direct", "yamux", "canceled")(error) && (error as Error).cause === why);
  const after = new CountedAbort();
  const stream = await client.openStream("y", { signal: after.signal });
  after.abort(why);
  assert.deepEqual([before.listeners, during.listeners, after.listeners], [0, 0, 0]);
  await stream.write(utf8("on"));
  let accepted = await session.acceptStream().catch(() => undefined);
  while (accepted?.kind !== "y") accepted = await session.acceptStream().catch(() => undefined);
  assert.equal(fromUtf8((await accepted.stream.read()) as Uint8Array), "on");
  client.close();
});

test("nothing opens, calls, pings or probes after the end", async () => {
  const { client, session, sockets } = await connected();
  const call = client.rpc.call(1, null);
  sockets[0].drop(1006);
  await assert.rejects(call);
  await client.ended;
  await assert.rejects(client.openStream("x"), isTriple("direct", "yamux", "open_stream_failed"));
  await assert.rejects(client.ping(), isTriple("direct", "secure", "ping_failed"));
  await assert.rejects(client.rekey(), isTriple("direct", "secure", "rekey_failed"));
  await assert.rejects(client.probeLiveness(), isTriple("direct", "yamux", "ping_failed"));
  await assert.rejects(client.rpc.call(1, null));
  session.close();
});

// ---- accepting

test("accepting: hellos side by side, aborting loses no stream, a bad hello resets its stream only", async () => {
  const { client, session } = await connected();
  await session.acceptStream();
  const stop = new CountedAbort();
  const given = session.acceptStream({ signal: stop.signal });
  stop.abort("enough");
  await assert.rejects(given, isTriple("direct", "yamux", "canceled"));
  await assert.rejects(session.acceptStream({ signal: stop.signal }), isTriple("direct", "yamux", "canceled"));
  assert.equal(stop.listeners, 0);
  await client.openStream("kept");
  assert.equal((await session.acceptStream()).kind, "kept");

  // The multiplexer under the client, to write hellos that are none.
  const { mux } = client as unknown as { mux: { openStream(): Promise<import("../yamux/index.js").YamuxStream> } };
  for (const hello of ['{"kind":"x","v":2}', '{"kind":"","v":1}', '{"kind":1,"v":1}', "[]", "{"]) {
    const silent = await mux.openStream(); // says nothing and holds nobody up
    const stream = await mux.openStream();
    const frame = new Uint8Array(4 + hello.length);
    writeU32(frame, 0, hello.length);
    frame.set(utf8(hello), 4);
    await stream.write(frame);
    await assert.rejects(session.acceptStream(), isTriple("direct", "rpc", "stream_hello_failed"));
    await assert.rejects(stream.read(), isYamuxStreamResetError);
    silent.reset();
    await assert.rejects(session.acceptStream(), isTriple("direct", "rpc", "stream_hello_failed"));
  }
  await client.openStream("next");
  assert.equal((await session.acceptStream()).kind, "next");
  const waiting = session.acceptStream();
  client.close();
  await assert.rejects(waiting, isTriple("direct", "yamux", "accept_stream_failed"));
  await assert.rejects(session.acceptStream(), isTriple("direct", "yamux", "accept_stream_failed"));
});

test("a stream whose hello does not come within 10 s is reset", async () => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const { client, session } = await connected({}, { clock });
  await session.acceptStream();
  const { mux } = client as unknown as { mux: { openStream(): Promise<import("../yamux/index.js").YamuxStream> } };
  const silent = await mux.openStream();
  const accepting = session.acceptStream();
  await client.probeLiveness(); // the stream has arrived
  clock.advance(9_999);
  await turn();
  clock.advance(1);
  await assert.rejects(accepting, isTriple("direct", "rpc", "stream_hello_failed"));
  await assert.rejects(silent.read(), isYamuxStreamResetError);
  client.close();
});

test("serveRPC resets other streams, serves the rpc stream to its end, and says how that came", async () => {
  const { client, session } = await connected();
  const router = new RpcRouter();
  router.register(1, (payload) => ({ payload }));
  const serving = session.serveRPC(router, { maxConcurrentRequests: 1 });
  assert.deepEqual(await client.rpc.call(1, "a"), { payload: "a" });
  client.close();
  await serving;
  await assert.rejects(session.serveRPC(router), isTriple("direct", "yamux", "accept_stream_failed"));
});

test("serveRPC refuses limits that cannot be before it takes a stream", async () => {
  const { client, session } = await connected();
  for (const limits of [{ maxConcurrentRequests: 0 }, { maxQueuedRequests: -1 }, { maxQueuedNotifications: NaN }]) {
    await assert.rejects(session.serveRPC(new RpcRouter(), limits), (error) =>
      isTriple("direct", "validate", "invalid_option")(error) && (error as Error).cause instanceof RangeError);
  }
  const serving = session.serveRPC(new RpcRouter());
  assert.equal((await client.rpc.call(1, null)).error?.code, 404);
  client.close();
  await serving;
});

test("serveRPC stops for its signal", async () => {
  const { client, session } = await connected();
  const stop = new CountedAbort();
  const serving = session.serveRPC(new RpcRouter(), { signal: stop.signal });
  assert.equal((await client.rpc.call(1, null)).error?.code, 404);
  stop.abort("enough");
  await assert.rejects(serving, (error) => isTriple("direct", "yamux", "canceled")(error) && (error as Error).cause === "enough");
  assert.equal(stop.listeners, 0);
  client.close();
});

// ---- liveness

test("probes follow the idle time-out", () => {
  const table: [number, number, number][] = [[60, 30_000, 10_000], [10, 5000, 5000], [1, 500, 500], [2, 1000, 1000], [0, 0, 10_000], [-1, 0, 10_000]];
  for (const [idle, intervalMs, timeoutMs] of table) assert.deepEqual(livenessOfIdleTimeout(idle), { intervalMs, timeoutMs }, `${idle} s`);
});

test("a peer that no longer answers ends the session in time, and an event tells of it first, once", async () => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const events: string[] = [];
  const observer = { onDiagnosticEvent: ({ stage, code, result }: { stage: string; code: string; result: string }) => void events.push(`${stage}/${code}/${result}`) };
  const { client, sockets } = await connected({ clock, liveness: { intervalMs: 1000, timeoutMs: 300 }, observer });
  clock.advance(1000);
  for (let i = 0; i < 8; i++) await turn(); // answered
  sockets[0].tamper = () => undefined;
  clock.advance(1000);
  await turn();
  const asked = client.probeLiveness(); // shares the one under way
  clock.advance(299);
  await turn();
  assert.equal(events.includes("yamux/liveness_timeout/fail"), false);
  void client.ended.then(() => events.push("ended"));
  clock.advance(1);
  await assert.rejects(asked, isTriple("direct", "yamux", "timeout"));
  const ended = await client.ended;
  assert.ok(isTriple("direct", "yamux", "timeout")(ended), String(ended));
  assert.ok(isYamuxPingTimeoutError(ended?.cause));
  await assert.rejects(client.probeLiveness(), isTriple("direct", "yamux", "timeout"));
  await turn();
  const ofTheEnd = events.slice(events.indexOf("handshake/handshake_ok/ok") + 1);
  assert.deepEqual(ofTheEnd, ["yamux/liveness_timeout/fail", "ended", "close/ws_close_local/skip"]);
  assert.equal(clock.pending, 0, "no timer stays");
});

test("a probe of an endpoint has the time it is given", async () => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000));
  const { session, sockets } = await connected({}, { clock });
  await assert.rejects(session.probeLiveness(0), isTriple("direct", "validate", "invalid_option"));
  sockets[1].tamper = () => undefined;
  const probe = session.probeLiveness(50);
  await turn();
  clock.advance(50);
  await assert.rejects(probe, isTriple("direct", "yamux", "timeout"));
  await session.ended;
});

// ---- memory

test("a reader that does not read bounds what its peer sends, in both directions", async () => {
  const { client, session, sockets } = await connected();
  await session.acceptStream();
  const ours = await client.openStream("x");
  const { stream: theirs } = await session.acceptStream();
  const bytesOf = (index: 0 | 1) => sockets[index].sent.reduce((sum, each) => sum + each.length, 0);
  const before = [bytesOf(0), bytesOf(1)] as const;
  const size = 2 * 1_048_576;
  const writing = [ours.write(new Uint8Array(size)), theirs.write(new Uint8Array(size))];
  for (let i = 0; i < 50; i++) await turn();
  for (const index of [0, 1] as const) {
    const sent = bytesOf(index) - before[index];
    assert.ok(sent >= 262_144 && sent < 262_144 + 4096, `${sent} bytes left although nobody reads`);
  }
  const drain = async (stream: typeof ours) => {
    for (let left = size; left > 0; ) left -= ((await stream.read()) as Uint8Array).length;
  };
  await Promise.all([drain(ours), drain(theirs), ...writing]);
  client.close();
});

test("two peers that flood each other on every stream, over sockets that take their time, both finish", async () => {
  const { client, session } = await connected({}, { yamuxLimits: { maxInboundStreams: 64 } });
  await session.acceptStream();
  const size = 700_000;
  const one = async (stream: Awaited<ReturnType<typeof client.openStream>>) => {
    const writing = stream.write(new Uint8Array(size)).then(() => stream.close());
    let got = 0;
    for await (const chunk of stream) got += chunk.length;
    await writing;
    return got;
  };
  const ours = await Promise.all(Array.from({ length: 8 }, () => client.openStream("x")));
  const theirs = await Promise.all(Array.from({ length: 8 }, async () => (await session.acceptStream()).stream));
  const got = await Promise.all([...ours, ...theirs].map(one));
  assert.deepEqual(new Set(got), new Set([size]));
  client.close();
});
