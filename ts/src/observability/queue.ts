// The bounded queue between what happens and who is told.
// Layer observability. Delivery is in microtasks, one item each, so that no callback runs inside the call it is about.

/** Terminal items, which are failures, outlive normal ones when the queue is full. */
export type ItemKind = "normal" | "terminal";

interface Item {
  readonly kind: ItemKind | "overflow";
  deliver(): unknown;
}

/**
 * Calls a function of an observer, which never disturbs a connection, also when it fails later. As quietly() of base, of which this
 * imports nothing: it is loaded alone, and a page would load what both need as one file more.
 */
export function heardQuietly(call: () => unknown): void {
  new Promise((resolve) => resolve(call())).catch(() => {});
}

/** First in, first out; at most `limit` items. */
export class ObserverQueue {
  private readonly items: Item[] = [];
  private running = false;

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.items.length;
  }

  /**
   * When full, the oldest normal item makes room; for a normal newcomer an overflow item is added, too, unless one waits.
   * Without a normal item a normal newcomer is dropped, and a terminal one takes the place of the oldest.
   */
  add(kind: ItemKind, deliver: () => unknown, tellOverflow: () => unknown): void {
    if (this.items.length >= this.limit) {
      const isTold = kind === "terminal" || this.items.some((item) => item.kind === "overflow");
      if (!this.makeRoom(kind)) return;
      if (!isTold) {
        this.items.push({ kind: "overflow", deliver: tellOverflow });
        if (!this.makeRoom(kind)) return;
      }
    }
    this.items.push({ kind, deliver });
    if (this.running) return;
    this.running = true;
    queueMicrotask(() => this.next());
  }

  private makeRoom(kind: ItemKind): boolean {
    const oldest = this.items.findIndex((item) => item.kind === "normal");
    if (oldest < 0 && kind === "normal") return false;
    this.items.splice(Math.max(0, oldest), 1);
    return true;
  }

  private next(): void {
    const item = this.items.shift();
    heardQuietly(() => item?.deliver());
    this.running = this.items.length > 0;
    if (this.running) queueMicrotask(() => this.next());
  }
}
