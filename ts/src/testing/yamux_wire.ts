// Yamux frames by hand, and what a machine sent, frame by frame.
import { concat } from "../base/bytes.js";
import { YamuxCore } from "../yamux/core.js";
import {
  decodeHeader, encodeHeader, FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN, HEADER_LEN, TYPE_DATA, TYPE_GO_AWAY, TYPE_PING,
  TYPE_WINDOW_UPDATE,
} from "../yamux/frame.js";
import { checkYamuxLimits, type YamuxLimits } from "../yamux/limits.js";
import type { WideWindows } from "../yamux/wide_windows.js";
import type { StreamState } from "../yamux/stream_state.js";

const update = (streamId: number, flags: number, length = 0) =>
  encodeHeader({ type: TYPE_WINDOW_UPDATE, flags, streamId, length });
const session = (type: number, flags: number, length: number) => encodeHeader({ type, flags, streamId: 0, length });

/** What a peer may send. */
export const wire = {
  open: (id: number) => update(id, FLAG_SYN),
  ack: (id: number) => update(id, FLAG_ACK),
  close: (id: number) => update(id, FLAG_FIN),
  reset: (id: number) => update(id, FLAG_RST),
  credit: (id: number, bytes: number) => update(id, 0, bytes),
  update,
  data: (streamId: number, body: Uint8Array, flags = 0) =>
    concat(encodeHeader({ type: TYPE_DATA, flags, streamId, length: body.length }), body),
  ping: (opaque: number) => session(TYPE_PING, FLAG_SYN, opaque),
  pong: (opaque: number) => session(TYPE_PING, FLAG_ACK, opaque),
  goAway: (code: number) => session(TYPE_GO_AWAY, 0, code),
};

/** n bytes that differ from their neighbours, the same every time. */
export function pattern(n: number, from = 0): Uint8Array {
  const bytes = new Uint8Array(n);
  for (let i = 0; i < n; i++) bytes[i] = (from + i) * 31 + ((from + i) >> 8);
  return bytes;
}

const flagNames: [number, string][] = [
  [FLAG_SYN, "syn"],
  [FLAG_ACK, "ack"],
  [FLAG_FIN, "fin"],
  [FLAG_RST, "rst"],
];

/** Frames as texts: `data 1 fin 24`, `update 1 syn 0`, `ping ack 9`, `go away 1`. */
export function textsOf(bytes: Uint8Array): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { type, flags, streamId, length } = decodeHeader(bytes, at);
    const names = flagNames.filter(([bit]) => flags & bit).map(([, name]) => name);
    const kind = ["data", "update", "ping", "go away"][type] ?? "?";
    texts.push([kind, ...(type <= TYPE_WINDOW_UPDATE ? [streamId] : []), ...names, length].join(" "));
    at += HEADER_LEN + (type === TYPE_DATA ? length : 0);
  }
  return texts;
}

/** A machine with the peer played by hand. */
export class CoreFixture {
  readonly core: YamuxCore;
  constructor(role: "client" | "server", limits: YamuxLimits = {}, firstId?: number, wide?: WideWindows) {
    this.core = new YamuxCore(role === "client", checkYamuxLimits(limits), wide, firstId);
  }

  /** The peer sends frames. */
  peer(...frames: Uint8Array[]): this {
    for (const frame of frames) this.core.receive(frame.slice());
    return this;
  }

  /** Everything that is due, as texts. */
  sent(maxBytes = 1_000_000): string[] {
    return textsOf(this.sentBytes(maxBytes));
  }

  sentBytes(maxBytes = 1_000_000): Uint8Array {
    return concat(...(this.core.nextBatch(maxBytes) ?? []));
  }

  /** A stream of the peer, acknowledged. */
  accepted(id: number): StreamState {
    this.peer(wire.open(id));
    this.sent();
    return this.stream(id);
  }

  /** A stream of this side, opening sent. */
  opened(): StreamState {
    const stream = this.core.open();
    this.sent();
    return stream;
  }

  stream(id: number): StreamState {
    const stream = this.core.streams.get(id);
    if (stream === undefined) throw new Error(`no stream ${id}`);
    return stream;
  }

  /** Reads what is there. */
  readAll(stream: StreamState): Uint8Array {
    const chunks: Uint8Array[] = [];
    for (let chunk = this.core.read(stream); chunk; chunk = this.core.read(stream)) chunks.push(chunk);
    return concat(...chunks);
  }
}
