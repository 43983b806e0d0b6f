// Bytes as people read them: sixteen to a row, with the letters beside.

const bytesPerRow = 16;

/** Rows of hex and text of the first `most` bytes; says how many follow. `total` is the length of the whole. */
export function hexRows(bytes: Uint8Array, total = bytes.length, most = 160): string {
  const rows: string[] = [];
  const shown = bytes.subarray(0, most);
  for (let at = 0; at < shown.length; at += bytesPerRow) {
    const row = [...shown.subarray(at, at + bytesPerRow)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    rows.push(`${hex.padEnd(bytesPerRow * 3)} ${text}`);
  }
  if (total > shown.length) rows.push(`… ${total - shown.length} more bytes`);
  return rows.join("\n");
}

/** Lower-case hex without spaces. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
