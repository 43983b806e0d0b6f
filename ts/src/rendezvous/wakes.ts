// Who is to be looked at when, the earliest first: a heap, so that a crowd costs no more than its logarithm.
// Layer rendezvous. Told the time.

export interface Wakeable {
  /** Infinity: nobody looks. Written here only. */
  wakeAtMs: number;
}

interface Wake<T> {
  readonly atMs: number;
  readonly who: T;
}

/** A wake that was brought forward, or was given up, stays in the heap until its time, and is passed over then. */
export class Wakes<T extends Wakeable> {
  private readonly heap: Wake<T>[] = [];

  /** When due() has somebody. */
  get next(): number | undefined {
    for (let first = this.heap[0]; first !== undefined; first = this.heap[0]) {
      if (first.who.wakeAtMs === first.atMs) return first.atMs;
      this.pop();
    }
    return undefined;
  }

  /** It is looked at then at the latest: an earlier wake stays, and finds out that it came early. */
  noLater(who: T, atMs: number): void {
    if (atMs >= who.wakeAtMs) return;
    who.wakeAtMs = atMs;
    const { heap } = this;
    let at = heap.push({ atMs, who }) - 1;
    for (let up = (at - 1) >> 1; at > 0 && this.isBefore(at, up); up = (at - 1) >> 1) at = this.swap(at, up);
  }

  /** Whose time has come; it has no wake any more. */
  due(nowMs: number): T | undefined {
    const atMs = this.next;
    if (atMs === undefined || atMs > nowMs) return undefined;
    const { who } = this.heap[0] as Wake<T>;
    this.pop();
    who.wakeAtMs = Infinity;
    return who;
  }

  /** Nobody looks at it any more. */
  forget(who: T): void {
    who.wakeAtMs = Infinity;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Wake<T>;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const down of [2 * at + 1, 2 * at + 2]) if (down < heap.length && this.isBefore(down, least)) least = down;
      if (least === at) return;
      at = this.swap(at, least);
    }
  }

  private isBefore(a: number, b: number): boolean {
    return (this.heap[a] as Wake<T>).atMs < (this.heap[b] as Wake<T>).atMs;
  }

  /** Returns `b`, where what was at `a` is now. */
  private swap(a: number, b: number): number {
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b] as Wake<T>, heap[a] as Wake<T>];
    return b;
  }
}
