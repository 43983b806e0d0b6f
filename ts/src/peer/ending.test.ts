// What a server peer says of the end of a session: the same as the program in C++.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FlowersecError } from "../base/index.js";
import { RecordError } from "../record/index.js";
import { WsCloseError } from "../ws/socket.js";
import { YamuxError, YamuxPingTimeoutError } from "../yamux/errors.js";
import { whatWasWrong } from "./ending.js";

const ended = (cause: unknown) => new FlowersecError({ path: "tunnel", stage: "close", code: "not_connected", cause });
const left = (cause?: unknown) => new YamuxError("transport_closed", { cause });

test("a session that was closed, or that its peer left, ended well", () => {
  for (const how of [undefined, ended(undefined), ended(left()), ended(left(new WsCloseError(1006, ""))), ended(new YamuxError("go_away")), ended(left(new RecordError("closed")))]) {
    assert.equal(whatWasWrong(how), undefined, String(how?.cause));
  }
});

test("a session whose peer did not answer, or broke a rule, did not", () => {
  const table: [unknown, string][] = [
    [new YamuxPingTimeoutError(), "tunnel: yamux/timeout: yamux: ping_timeout"],
    [new YamuxError("bad_type"), "tunnel: yamux/mux_failed: yamux: bad_type"],
    [new YamuxError("session_memory_exceeded"), "tunnel: yamux/resource_exhausted: yamux: session_memory_exceeded"],
    [left(new RecordError("open_failed")), "tunnel: secure/invalid_input: record: open_failed"],
    [left(new Error("websocket: unexpected_text_frame")), "tunnel: secure/invalid_input: websocket: unexpected_text_frame"],
    [left(new Error("websocket: send_buffer_timeout")), "tunnel: yamux/timeout: websocket: send_buffer_timeout"],
    [left(new RecordError("exhausted")), "tunnel: secure/resource_exhausted: record: exhausted"],
  ];
  for (const [cause, said] of table) assert.equal(whatWasWrong(ended(cause)), said);
});
