// JSON frames over a stream of a session: with a registry in the sealed mode, and between peers.
// Layer rendezvous. Reading never waits for writing.

import { fromUtf8 } from "../base/index.js";
import { encodeFrame, JsonFramingError, readFrameText } from "../framing/json_frame.js";
import { ExactReader } from "../yamux/byte_reader.js";
import type { YamuxStream } from "../yamux/index.js";
import { RendezvousError } from "./error.js";

/** Texts both ways, as a machine wants them. */
export interface TextLink {
  /** In order. Beyond what may wait the link is lost. */
  send(text: string): void;
  /** Ends it at once; nothing is heard of it any more. */
  close(): void;
}

/** What is heard of a link. After onLost nothing more. */
export interface TextEvents {
  onText(text: string): void;
  /** The other side does not keep to the format: nothing more is read, and what is sent still leaves. Absent: it is lost. */
  onBad?(): void;
  onLost(error: unknown): void;
}

/** What is told of the way of a frame: a slow link is none that is dead. */
const pieceBytes = 65_536;

export class FrameStream implements TextLink {
  private readonly waiting: { readonly frame: Uint8Array; readonly moved: (() => void) | undefined }[] = [];
  private waitingBytes = 0;
  private isWriting = false;
  private isOver = false;
  private isFinished = false;

  /** `events` is told nothing before the constructor has returned. */
  constructor(
    private readonly stream: YamuxStream,
    private readonly maxBytes: number,
    private readonly maxWaitingBytes: number,
    private readonly events: TextEvents,
  ) {
    queueMicrotask(() => void this.read());
  }

  /** `moved` is told each time that more of it has left, the last time when all of it has. */
  send(text: string, moved?: () => void): void {
    if (this.isOver || this.isFinished) return;
    const frame = encodeFrame(text, this.maxBytes);
    this.waitingBytes += frame.length;
    if (this.waitingBytes > this.maxWaitingBytes) return this.lose(new RendezvousError("connection_lost", "the other side does not read"));
    this.waiting.push({ frame, moved });
    if (!this.isWriting) void this.write();
  }

  /** Closes our half behind what was sent. */
  finish(): void {
    this.isFinished = true;
    if (!this.isWriting) void this.write();
  }

  close(): void {
    this.isOver = true;
    this.waiting.length = 0;
  }

  private async write(): Promise<void> {
    this.isWriting = true;
    try {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
        const { frame, moved } = next;
        for (let at = 0; at < frame.length; at += pieceBytes) {
          await this.stream.write(frame.subarray(at, at + pieceBytes));
          moved?.();
        }
        this.waitingBytes -= frame.length;
      }
      if (this.isFinished && !this.isOver) await this.stream.close();
    } catch (error) {
      this.lose(error);
    }
    this.isWriting = false;
  }

  private async read(): Promise<void> {
    const reader = new ExactReader((maxBytes) => this.stream.read({ maxBytes }));
    try {
      for (;;) {
        const text = textOf(await readFrameText((n) => reader.readExactly(n), this.maxBytes));
        if (this.isOver) return;
        this.events.onText(text);
      }
    } catch (error) {
      const { onBad } = this.events;
      if (onBad === undefined || this.isOver || !(error instanceof JsonFramingError)) this.lose(error);
      else onBad();
    }
  }

  private lose(error: unknown): void {
    if (this.isOver) return;
    this.close();
    this.events.onLost(error);
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new JsonFramingError("invalid_json");
  }
}
