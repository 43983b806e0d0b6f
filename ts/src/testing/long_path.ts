// Two session machines on a path with a round trip and a rate, on a clock of its own: the same figures every time.
import { concat, lengthOf } from "../base/bytes.js";
import { YamuxCore } from "../yamux/core.js";
import { checkYamuxLimits, type YamuxLimits } from "../yamux/limits.js";
import type { StreamState } from "../yamux/stream_state.js";
import type { WideWindows } from "../yamux/wide_windows.js";

const batchBytes = 65_536;

interface Direction {
  readonly from: YamuxCore;
  readonly to: YamuxCore;
  /** When the last batch has left. */
  freeAtMs: number;
}

export interface LongPathOptions {
  readonly roundTripMs: number;
  readonly bytesPerMs: number;
  readonly wide?: WideWindows | undefined;
  readonly limits?: YamuxLimits | undefined;
}

/** Whatever arrives is read at once. The client sends, the server receives. */
export class LongPath {
  nowMs = 0;
  readonly client: YamuxCore;
  readonly server: YamuxCore;
  /** Bytes read, by stream id. */
  readonly received = new Map<number, number>();
  private readonly events: { atMs: number; run: () => void }[] = [];
  private readonly there: Direction;
  private readonly back: Direction;

  constructor(private readonly options: LongPathOptions) {
    const limits = checkYamuxLimits(options.limits);
    this.client = new YamuxCore(true, limits, options.wide);
    this.server = new YamuxCore(false, limits, options.wide);
    this.there = { from: this.client, to: this.server, freeAtMs: 0 };
    this.back = { from: this.server, to: this.client, freeAtMs: 0 };
  }

  /** Opens a stream and writes so many bytes to it, in portions, as credit lets them go. */
  upload(bytes: number): StreamState {
    const stream = this.client.open();
    const portion = new Uint8Array(batchBytes);
    let left = bytes;
    stream.owner = {
      update: () => {
        while (left > 0 && stream.queuedBytes < 2 * batchBytes) {
          this.client.write(stream, portion.subarray(0, Math.min(left, batchBytes)));
          left -= batchBytes;
        }
        if (left <= 0 && !stream.finWanted) this.client.closeWrite(stream);
      },
    };
    stream.owner.update();
    return stream;
  }

  /** Runs until `isDone`, and says when that was. */
  runUntil(isDone: () => boolean): number {
    this.pump();
    while (!isDone()) {
      const event = this.events.shift();
      if (event === undefined) throw new Error("nothing happens any more");
      this.nowMs = event.atMs;
      event.run();
      this.pump();
    }
    return this.nowMs;
  }

  private at(atMs: number, run: () => void): void {
    let i = this.events.length;
    while (i > 0 && (this.events[i - 1]?.atMs ?? 0) > atMs) i--;
    this.events.splice(i, 0, { atMs, run });
  }

  private pump(): void {
    this.send(this.there);
    this.send(this.back);
  }

  private send(direction: Direction): void {
    const { roundTripMs, bytesPerMs } = this.options;
    if (direction.freeAtMs > this.nowMs) return;
    const parts = direction.from.nextBatch(batchBytes);
    if (parts === undefined) return;
    for (const stream of direction.from.touched) stream.owner?.update();
    direction.from.touched.clear();
    direction.freeAtMs = this.nowMs + lengthOf(parts) / bytesPerMs;
    const bytes = concat(...parts);
    this.at(direction.freeAtMs + roundTripMs / 2, () => this.arrive(direction.to, bytes));
    this.at(direction.freeAtMs, () => {});
  }

  private arrive(core: YamuxCore, bytes: Uint8Array): void {
    core.receive(bytes);
    if (core.probeAnswered) core.roundTripMs = this.nowMs - core.probedAtMs;
    core.probeAnswered = false;
    core.opened.length = 0;
    if (core === this.client) return;
    for (const stream of core.touched) {
      for (let chunk = core.read(stream, undefined, this.nowMs); chunk; chunk = core.read(stream, undefined, this.nowMs)) {
        this.received.set(stream.id, (this.received.get(stream.id) ?? 0) + chunk.length);
      }
    }
    core.touched.clear();
  }
}
