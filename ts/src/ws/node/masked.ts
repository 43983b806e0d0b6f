// A client's binary message as it goes over the wire: header, fresh mask, masked payload, in one buffer.
// Layer ws, Node only. `ws` masks byte by byte in JavaScript, which takes longer than sealing a record and sending it; here
// it goes by words. Source: RFC 6455, 5.2 and 5.3.

import { randomFillSync } from "node:crypto";
import { writeU16, writeU32 } from "../../base/index.js";

const maskBytes = 4;
/** Where the payload starts: behind the longest header, and at the start of a word. */
const payloadAt = 16;
const binaryMessage = 0x82; // FIN, and the opcode
const isMasked = 0x80;

/** Buffers of this size, for the messages of bulk transfers, are used again: memory that is warm already. */
const slotBytes = 73_728;
const leastBytes = 16_384;
/** Slots kept for the whole process; they hold ciphertext only. */
const mostSlots = 16;
const slots: Uint8Array[] = [];

const masks = new Uint32Array(1024);
let nextMask = masks.length;

function freshMask(): number {
  if (nextMask === masks.length) {
    randomFillSync(masks);
    nextMask = 0;
  }
  return masks[nextMask++] as number;
}

/** A message on its way. */
export interface MaskedMessage {
  readonly frame: Uint8Array;
  /** Gives the memory back. Once, when the frame was sent or never will be. */
  release(): void;
}

/** `payload` may change afterwards. */
export function maskedMessage(payload: Uint8Array): MaskedMessage {
  const { length } = payload;
  const end = payloadAt + length;
  const isPooled = length >= leastBytes && end <= slotBytes;
  const memory = (isPooled && slots.pop()) || new Uint8Array(isPooled ? slotBytes : end + maskBytes);
  const start = writeHeader(memory, length);
  memory.set(payload, payloadAt);
  // The word in front of the payload is the mask itself; the last word may reach beyond the end.
  const words = new Uint32Array(memory.buffer, payloadAt - maskBytes, 1 + Math.ceil(length / maskBytes));
  const mask = freshMask();
  words[0] = mask;
  const count = words.length; // read once: that alone makes the loop twice as fast
  for (let i = 1; i < count; i++) words[i] = (words[i] as number) ^ mask;
  return {
    frame: memory.subarray(start, end),
    release: () => {
      if (isPooled && slots.length < mostSlots) slots.push(memory);
    },
  };
}

/** Writes what is in front of the mask, and returns where it starts. */
function writeHeader(memory: Uint8Array, length: number): number {
  const at = payloadAt - maskBytes;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  if (extended === 2) writeU16(memory, at - 2, length);
  if (extended === 8) {
    writeU32(memory, at - 8, Math.floor(length / 0x1_0000_0000));
    writeU32(memory, at - 4, length >>> 0);
  }
  const start = at - extended - 2;
  memory[start] = binaryMessage;
  memory[start + 1] = isMasked | (extended === 0 ? length : extended === 2 ? 126 : 127);
  return start;
}
