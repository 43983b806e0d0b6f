// Who hears which notifications.
// Layer rpc.

import { quietly } from "../base/index.js";

/** Hears one notification. What it throws, or rejects with, is swallowed. */
export type NotifyHandler = (payload: unknown) => void;

/** Handlers of all types, in the order they were added. */
export class Subscriptions {
  private readonly entries = new Set<{ readonly typeId: number; readonly handler: NotifyHandler }>();

  /** Returns what ends the subscription. The same function may subscribe more than once. */
  add(typeId: number, handler: NotifyHandler): () => void {
    const entry = { typeId, handler };
    this.entries.add(entry);
    return () => void this.entries.delete(entry);
  }

  /** Calls those that are there now and still there in their turn: handlers may add and remove meanwhile. */
  deliver(typeId: number, payload: unknown): void {
    for (const entry of [...this.entries]) {
      if (entry.typeId !== typeId || !this.entries.has(entry)) continue;
      // One listener's failure must not disturb the reader or the other listeners, also when it comes later.
      quietly(() => entry.handler(payload));
    }
  }
}
