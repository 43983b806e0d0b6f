import assert from "node:assert/strict";
import { test } from "node:test";
import { checkYamuxLimits, DEFAULT_MAX_STREAM_WINDOW, DEFAULT_YAMUX_LIMITS, WIDE_WINDOW_BYTES, type YamuxLimits } from "./limits.js";

test("defaults are those of the protocol", () => {
  assert.deepEqual(checkYamuxLimits(), {
    maxActiveStreams: 64,
    maxInboundStreams: 32,
    maxFrameBytes: 262_144,
    preferredOutboundFrameBytes: 65_536,
    maxStreamWriteQueueBytes: 4_194_304,
    maxStreamReceiveBytes: 262_144,
    maxSessionReceiveBytes: 16_777_216,
    wideWindowSessionBytes: 16_777_216,
  });
  assert.deepEqual([DEFAULT_MAX_STREAM_WINDOW, WIDE_WINDOW_BYTES], [262_144, 4_194_304]);
});

test("edges are accepted and one past is refused", () => {
  const rows: [YamuxLimits, YamuxLimits][] = [
    [{ maxActiveStreams: 32 }, { maxActiveStreams: 31 }],
    [{ maxInboundStreams: 64 }, { maxInboundStreams: 65 }],
    [{ maxFrameBytes: 262_144 }, { maxFrameBytes: 262_145 }],
    [{ maxFrameBytes: 100, preferredOutboundFrameBytes: 100 }, { maxFrameBytes: 100, preferredOutboundFrameBytes: 101 }],
    [{ maxStreamReceiveBytes: 262_144 }, { maxStreamReceiveBytes: 262_143, maxFrameBytes: 1024 }],
    [{ maxStreamReceiveBytes: 16_777_216 }, { maxStreamReceiveBytes: 16_777_217 }],
    [{ maxSessionReceiveBytes: 262_144 }, { maxSessionReceiveBytes: 262_143 }],
  ];
  for (const [good, bad] of rows) {
    assert.doesNotThrow(() => checkYamuxLimits(good), JSON.stringify(good));
    assert.throws(() => checkYamuxLimits(bad), RangeError, JSON.stringify(bad));
  }
});

test("every limit is a positive integer, but for what wide windows may take, which may be 0", () => {
  for (const name of Object.keys(DEFAULT_YAMUX_LIMITS)) {
    if (name === "wideWindowSessionBytes") assert.equal(checkYamuxLimits({ [name]: 0 }).wideWindowSessionBytes, 0);
    for (const value of [...(name === "wideWindowSessionBytes" ? [] : [0]), -1, 1.5, NaN, Infinity, 2 ** 53, "5", null]) {
      assert.throws(() => checkYamuxLimits({ [name]: value }), RangeError, `${name} ${value}`);
    }
    assert.doesNotThrow(() => checkYamuxLimits({ [name]: undefined }));
  }
});

test("the preferred size follows a smaller frame limit", () => {
  assert.equal(checkYamuxLimits({ maxFrameBytes: 1000 }).preferredOutboundFrameBytes, 1000);
  assert.equal(checkYamuxLimits({ maxFrameBytes: 100_000 }).preferredOutboundFrameBytes, 65_536);
});
