import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../testing/manual_clock.js";
import { DEFAULT_WEB_SOCKET_LIMITS } from "./limits.js";
import { OutboundQueue } from "./outbound.js";
import type { WebSocketLike } from "./socket.js";

test("a WebSocket that does not say when it drains is asked soon, and later every 10 ms", async () => {
  let asked = 0;
  let waiting = DEFAULT_WEB_SOCKET_LIMITS.outboundHighWatermarkBytes + 1;
  const ws = {
    send() {},
    get bufferedAmount() {
      asked++;
      return waiting;
    },
  };
  const never = () => assert.fail();
  const clock = new ManualClock();
  const events = { onExceeded: never, onStalled: never, onSendFailed: never };
  const queue = new OutboundQueue(ws as unknown as WebSocketLike, DEFAULT_WEB_SOCKET_LIMITS, clock, events);
  const askedAt = (until: number) => {
    const times: number[] = [];
    for (asked = 0; clock.monoMs() < until; asked = 0) {
      clock.advance(1);
      if (asked > 0) times.push(clock.monoMs());
    }
    return times;
  };
  const first = queue.write(new Uint8Array(1), undefined);
  assert.deepEqual(askedAt(80), [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 65, 75]);
  waiting = DEFAULT_WEB_SOCKET_LIMITS.outboundLowWatermarkBytes;
  assert.deepEqual(askedAt(90), [85]);
  await first;
  assert.equal(clock.pending, 0);

  waiting = DEFAULT_WEB_SOCKET_LIMITS.outboundHighWatermarkBytes + 1;
  void queue.write(new Uint8Array(1), undefined);
  assert.deepEqual(askedAt(100), [91, 93, 96, 100], "the next one begins anew");
});
