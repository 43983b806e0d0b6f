// Who hears which notifications.
// Layer rpc.

/** Hears one notification. What it throws, or rejects with, is swallowed. */
export type NotifyHandler = (payload: unknown) => void;

/** Handlers by type id, in the order they were added. */
export class Subscriptions {
  private readonly handlers = new Map<number, Set<{ readonly handler: NotifyHandler }>>();

  /** Returns what ends the subscription. The same function may subscribe more than once. */
  add(typeId: number, handler: NotifyHandler): () => void {
    const entries = this.handlers.get(typeId) ?? new Set();
    const entry = { handler };
    this.handlers.set(typeId, entries.add(entry));
    return () => {
      if (entries.delete(entry) && entries.size === 0 && this.handlers.get(typeId) === entries) this.handlers.delete(typeId);
    };
  }

  /** Calls those that are there now and still there in their turn: handlers may add and remove meanwhile. */
  deliver(typeId: number, payload: unknown): void {
    const entries = this.handlers.get(typeId);
    if (entries === undefined) return;
    for (const entry of [...entries]) {
      if (!entries.has(entry)) continue;
      try {
        const result: unknown = entry.handler(payload);
        // An asynchronous handler's failure is no more the reader's than any other.
        if (result instanceof Promise) result.catch(() => {});
      } catch {
        // One listener's failure must not disturb the reader or the other listeners.
      }
    }
  }
}
