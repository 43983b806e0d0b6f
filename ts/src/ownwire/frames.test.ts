import assert from "node:assert/strict";
import { test } from "node:test";
import { readSharedJson } from "../testing/repository.js";
import { decodeGatewayFrame, encodeUserFrame, type UserFrame } from "./frames.js";

type Row = {
  name: string; to: "gateway" | "user"; text: string; fill?: { text: string; times: number }; frame?: Record<string, unknown>; encodes?: boolean; refused?: boolean;
};
const { cases } = readSharedJson("testdata/ownwire/chat_frames.json") as { cases: Row[] };
const filled = <T>(value: T, { fill }: Row): T => JSON.parse(JSON.stringify(value).replaceAll("@@", fill === undefined ? "@@" : fill.text.repeat(fill.times))) as T;

/** As the table writes what we read. */
function shown(text: string): unknown {
  const frame = decodeGatewayFrame(text);
  if (frame?.type !== "welcome") return frame;
  const { type, sessionId, resumeToken, resumed, lastId, maxContentBytes } = frame;
  return { type, v: 1, session_id: sessionId, resume_token: resumeToken, resumed, last_id: lastId, limits: { max_content_bytes: maxContentBytes } };
}

test("every case of the shared table", () => {
  let [read, written] = [0, 0];
  for (const row of cases) {
    const text = filled(row.text, row);
    if (row.to === "user") {
      read++;
      assert.deepEqual(shown(text), row.refused ? undefined : filled(row.frame, row), row.name);
    } else if (row.encodes) {
      const { v: _, ...frame } = filled(row.frame, row) as Record<string, unknown>;
      written++;
      assert.equal(encodeUserFrame(frame as UserFrame), text, row.name);
    }
  }
  assert.ok(read > 30 && written > 8);
});

test("refused: every truncation of a frame", () => {
  for (const { text, frame } of cases.filter(({ to, encodes }) => to === "user" && encodes)) {
    assert.ok(frame);
    for (let length = 0; length < text.length; length++) assert.equal(decodeGatewayFrame(text.slice(0, length)), undefined);
  }
});

test("refused: what is no object, numbers beyond what is exact, and nesting without end", () => {
  const deep = `{"type":"later","a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  for (const text of ["[]", "null", "1", '"ack"', '[{"type":"ack","id":1}]', '{"type":1}', '{"type":"ack","id":9007199254740992}', '{"type":"ack","id":1.5}', '{"type":"ack","id":"1"}', "[".repeat(100_000)]) {
    assert.equal(decodeGatewayFrame(text), undefined, text.slice(0, 40));
  }
  assert.ok(["unknown", undefined].includes(decodeGatewayFrame(deep)?.type));
});
