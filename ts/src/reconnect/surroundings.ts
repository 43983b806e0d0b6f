// What the place a program runs in knows about its network and its user.
// Layer reconnect. Types only.

/** Told of by a page; see browser/page.ts. A program may bring its own. */
export interface Surroundings {
  /** Whether attempts have a chance. While not, none begins; the first of a connect() is made anyway. */
  isOnline(): boolean;
  /**
   * Calls `onBetter` when the network is back and when somebody looks again: a wait ends early, and a session that may have died
   * unnoticed is probed. Returns what ends it.
   */
  watch(onBetter: () => void): () => void;
}
