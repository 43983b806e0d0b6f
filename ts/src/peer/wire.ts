// What both roles of the peer agree on: kinds, calls, lines.
import type { YamuxStream } from "../yamux/index.js";

/** RPC types: answered {"ok":true} after a notification of the next type; that notification; echo; error 418; nobody's. */
export const rpcPing = 1;
export const rpcHello = 2;
export const rpcEcho = 7;
export const rpcTeapot = 9;
export const rpcNobody = 99;

export const maxLineBytes = 4096;
export const blockBytes = 131_072;

/** A line, without its end; the end of the stream ends it too. */
export async function readLine(stream: YamuxStream): Promise<string> {
  const bytes: number[] = [];
  while (bytes.length <= maxLineBytes) {
    const chunk = await stream.read({ maxBytes: 1 });
    if (chunk === null || chunk[0] === 0x0a) return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
    bytes.push(chunk[0] as number);
  }
  throw new Error("reading a line: too long");
}

export function writeLine(stream: YamuxStream, value: unknown): Promise<void> {
  return stream.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}
