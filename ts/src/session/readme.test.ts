// The server loop of ts/README.md, as it stands there, against clients that behave as clients do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { fromUtf8, utf8 } from "../base/index.js";
import { repositoryRoot } from "../testing/repository.js";
import { connected } from "../testing/world.js";
import type { YamuxStream } from "../yamux/index.js";
import type { Client, Session } from "./index.js";

const readme = readFileSync(join(repositoryRoot, "ts", "README.md"), "utf8");
const [, loop = ""] = /^(for await [^]*?^})$/m.exec(readme.slice(readme.indexOf("## The other end"))) ?? [];
const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => (session: Session) => Promise<void>;
const serve = new AsyncFunction("session", loop);

/** Opens a stream whose hello is none, or ends before it is one. */
async function badHello(client: Client, end: (stream: YamuxStream) => unknown): Promise<void> {
  const { mux } = client as unknown as { mux: { openStream(): Promise<YamuxStream> } };
  const stream = await mux.openStream();
  await stream.write(Uint8Array.from([0, 0, 0, 9]));
  await client.probeLiveness(); // it is there
  await end(stream);
}

test("a client that breaks off, resets, asks for what there is not, and leaves, ends nothing but its own session", async () => {
  assert.match(loop, /pipeTo/);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  try {
    const { client, session } = await connected();
    const serving = serve(session);
    const reset = await client.openStream("echo");
    await reset.write(utf8("x"));
    assert.equal(fromUtf8((await reset.read()) as Uint8Array), "x");
    reset.reset();
    await badHello(client, (stream) => stream.reset());
    await badHello(client, (stream) => stream.close());
    await assert.rejects((await client.openStream("other")).read());
    const after = await client.openStream("echo");
    await after.write(utf8("still here"));
    assert.equal(fromUtf8((await after.read()) as Uint8Array), "still here");
    client.close();
    await serving;
    await session.ended;
    await turn();
    assert.deepEqual(unhandled, []);
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
});

test("a loop over a session passes over bad hellos, may be left, and ends with the session", async () => {
  const { client, session } = await connected();
  await badHello(client, (stream) => stream.reset());
  await client.openStream("first");
  const kinds: string[] = [];
  for await (const { kind } of session) if (kinds.push(kind) === 2) break;
  await badHello(client, (stream) => stream.write(utf8("not JSON!")));
  await client.openStream("second");
  for await (const { kind } of session) {
    kinds.push(kind);
    client.close();
  }
  assert.deepEqual(kinds, ["rpc", "first", "second"]);
});
