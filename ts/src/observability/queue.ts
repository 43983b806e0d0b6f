// The bounded queue between what happens and who is told.
// Layer observability. Delivery is in microtasks, one item each, so that no callback runs inside the call it is about.

/** Failures outlive the rest when the queue is full; one overflow item says that something was dropped. */
export type ItemKind = "normal" | "terminal" | "overflow";

interface Item {
  readonly kind: ItemKind;
  deliver(): void;
}

/** First in, first out; at most `limit` items. */
export class ObserverQueue {
  private readonly items: Item[] = [];
  private running = false;

  constructor(
    private readonly limit: number,
    private readonly makeOverflow: () => void,
  ) {}

  get length(): number {
    return this.items.length;
  }

  /**
   * When full, the oldest normal item makes room and an overflow item is added for a normal newcomer; without a normal
   * item a normal newcomer is dropped and any other takes the place of the oldest.
   */
  add(kind: ItemKind, deliver: () => void): void {
    if (this.items.length >= this.limit && !this.makeRoom(kind)) return;
    this.items.push({ kind, deliver });
    if (this.running) return;
    this.running = true;
    queueMicrotask(() => this.next());
  }

  private makeRoom(kind: ItemKind): boolean {
    const oldest = this.items.findIndex((item) => item.kind === "normal");
    if (oldest < 0 && kind === "normal") return false;
    this.items.splice(Math.max(0, oldest), 1);
    if (kind === "normal" && !this.items.some((item) => item.kind === "overflow")) {
      if (this.items.length >= this.limit - 1) this.makeRoom("overflow");
      this.items.push({ kind: "overflow", deliver: this.makeOverflow });
    }
    return true;
  }

  private next(): void {
    const item = this.items.shift();
    try {
      item?.deliver();
    } catch {
      // An observer never disturbs a connection.
    }
    this.running = this.items.length > 0;
    if (this.running) queueMicrotask(() => this.next());
  }
}
