// Streams of the peer at the end of a session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FlowersecError, fromUtf8, utf8 } from "../base/index.js";
import { connected } from "../testing/world.js";
import { isYamuxStreamResetError } from "../yamux/index.js";

const isTheEnd = (error: unknown) =>
  error instanceof FlowersecError && `${error.path}/${error.stage}/${error.code}` === "direct/yamux/accept_stream_failed";

test("streams that nobody had accepted yet when the peer left are accepted with what they hold, then comes the end", async () => {
  const { client, session } = await connected();
  {
    await using held = client;
    for (const kind of ["one", "two"]) {
      const stream = await held.openStream(kind);
      await stream.write(utf8(`in ${kind}`));
      if (kind === "two") await stream.close();
    }
  }
  await session.ended;
  const kinds: string[] = [];
  for await (const { kind, stream } of session) {
    kinds.push(kind);
    if (kind === "rpc") continue;
    assert.equal(fromUtf8((await stream.read()) as Uint8Array), `in ${kind}`);
    if (kind === "two") assert.equal(await stream.read(), null);
    else await assert.rejects(stream.read(), isYamuxStreamResetError);
  }
  assert.deepEqual(kinds, ["rpc", "one", "two"]);
  await assert.rejects(session.acceptStream(), isTheEnd);
});

test("a stream whose first bytes come with the end is waited for; after close() none is handed out", async () => {
  for (const isClosedHere of [false, true]) {
    const { client, session } = await connected();
    await session.acceptStream();
    const waiting = [session.acceptStream(), session.acceptStream()];
    const end = assert.rejects(waiting[1] as Promise<unknown>, isTheEnd);
    const first = isClosedHere ? assert.rejects(waiting[0] as Promise<unknown>) : waiting[0]?.then(({ kind }) => assert.equal(kind, "late"));
    const stream = await client.openStream("late");
    await stream.write(utf8("x"));
    if (isClosedHere) session.close();
    client.close();
    await Promise.all([first, end]);
    await assert.rejects(session.acceptStream(), isTheEnd);
  }
  const { client, session } = await connected();
  await client[Symbol.asyncDispose]();
  await session.ended;
  session.close();
  await assert.rejects(session.acceptStream(), isTheEnd);
});
