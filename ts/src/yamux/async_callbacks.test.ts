// Callbacks that are async and reject: in Node a rejection that nobody handles ends the process.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScriptedChannel, settled } from "../testing/yamux_channel.js";
import { pattern, wire } from "../testing/yamux_wire.js";
import { isYamuxStreamResetError } from "./errors.js";
import { YamuxSession, type YamuxSessionOptions } from "./session.js";
import type { YamuxStream } from "./stream.js";

function scripted(options: Partial<YamuxSessionOptions>) {
  const channel = new ScriptedChannel();
  return { channel, session: new YamuxSession(channel, { client: true, ...options }) };
}

test("whoever takes a stream and rejects later has it reset, and that stream alone", async () => {
  const failure = new Error("theirs");
  const taken: YamuxStream[] = [];
  const { channel, session } = scripted({
    onIncomingStream: async (stream) => {
      taken.push(stream);
      await stream.read();
      if (stream.id === 2) throw failure;
    },
  });
  channel.arrive(wire.open(2), wire.open(4));
  await settled();
  assert.deepEqual(channel.sent(), ["update 2 ack 0", "update 4 ack 0"]);
  channel.arrive(wire.data(2, pattern(1)), wire.data(4, pattern(1)));
  await settled();
  assert.deepEqual([channel.sent(), session.activeStreams, session.error], [["update 2 rst 0"], 1, undefined]);
  await assert.rejects((taken[0] as YamuxStream).read(), (error) => isYamuxStreamResetError(error) && error.cause === failure);
});

test("what is told of limits and of the end may reject", async () => {
  const told: string[] = [];
  const { channel, session } = scripted({
    limits: { maxActiveStreams: 1, maxInboundStreams: 1 },
    onDiagnostic: async ({ code }) => {
      told.push(code);
      throw new Error("theirs");
    },
    onTerminal: async ({ code }) => {
      told.push(code);
      throw new Error("theirs");
    },
  });
  await session.openStream();
  await assert.rejects(session.openStream());
  await settled();
  channel.fail(new Error("gone"));
  await settled();
  assert.deepEqual(told, ["resource_limit_reached", "transport_closed"]);
});

test("a channel whose close is async and rejects is closed", async () => {
  const { channel, session } = scripted({});
  channel.close = async () => { throw new Error("theirs"); };
  session.close();
  await settled();
  assert.equal(session.error?.code, "closed");
});
