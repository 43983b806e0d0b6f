// base64url has one text for each byte string; a queue gives back what was put in, in whatever portions.
import assert from "node:assert/strict";
import fc from "fast-check";
import { bytes, changedText, property, wildText } from "../testing/properties.js";
import { decodeBase64url, encodeBase64url } from "./base64url.js";
import { ByteQueue } from "./byte_queue.js";
import { concat, fromUtf8, utf8 } from "./bytes.js";

property("bytes come back from base64url", [bytes()], (given) => {
  assert.deepEqual(decodeBase64url(encodeBase64url(given), given.length), given);
  assert.equal(decodeBase64url(encodeBase64url(given), given.length + 1), undefined);
});

property("any text as base64url: the one text of its bytes, or undefined", [fc.oneof(wildText(60), changedText(bytes(40).map(encodeBase64url)))], (text) => {
  const read = decodeBase64url(text);
  if (read !== undefined) assert.equal(encodeBase64url(read), text);
});

property("any bytes as UTF-8: the text that is written as them, or an error", [fc.oneof(bytes(40), wildText(40).map(utf8))], (given) => {
  let text: string;
  try {
    text = fromUtf8(given);
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return;
  }
  assert.deepEqual(utf8(text), given);
});

const steps = () => fc.array(fc.oneof(bytes(20).map((put) => ({ put })), fc.nat(30).map((take) => ({ take })), fc.integer({ min: 1, max: 30 }).map((chunk) => ({ chunk })), fc.constant({ clear: true })), { maxLength: 200 });

property("a queue gives what a long array would", [steps()], (todo) => {
  const queue = new ByteQueue();
  let model = new Uint8Array(0);
  for (const step of todo) {
    if ("put" in step) {
      queue.push(step.put);
      model = concat(model, step.put);
    } else if ("take" in step) {
      if (step.take > model.length) assert.throws(() => queue.take(step.take), RangeError);
      else {
        assert.deepEqual(Uint8Array.from(queue.take(step.take)), model.slice(0, step.take));
        model = model.slice(step.take);
      }
    } else if ("chunk" in step) {
      const chunk = queue.takeChunk(step.chunk);
      assert.equal(chunk === undefined, model.length === 0);
      assert.ok((chunk?.length ?? 1) > 0 && (chunk?.length ?? 0) <= step.chunk);
      assert.deepEqual(Uint8Array.from(chunk ?? []), model.slice(0, chunk?.length ?? 0));
      model = model.slice(chunk?.length ?? 0);
    } else {
      queue.clear();
      model = model.slice(0, 0);
    }
    assert.equal(queue.length, model.length);
  }
});
