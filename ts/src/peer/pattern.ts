// The bytes that bulk transfers carry: byte i is the exclusive or of the three lowest bytes of i.

const rowBytes = 256;
/** The row for each value of the bytes above the lowest. */
const rows = Array.from({ length: 256 }, (_, key) => Uint8Array.from({ length: rowBytes }, (_, i) => i ^ key));

/** Writes the bytes from `offset` on. */
export function fillPattern(offset: number, into: Uint8Array): void {
  for (let at = 0; at < into.length; ) {
    const row = Math.floor((offset + at) / rowBytes);
    const from = (offset + at) % rowBytes;
    const part = (rows[(row ^ (row >> 8)) & 255] as Uint8Array).subarray(from, from + into.length - at);
    into.set(part, at);
    at += part.length;
  }
}

/** Whether these are the bytes from `offset` on. */
export function matchesPattern(offset: number, bytes: Uint8Array): boolean {
  const expected = new Uint8Array(bytes.length);
  fillPattern(offset, expected);
  return Buffer.compare(expected, bytes) === 0;
}
