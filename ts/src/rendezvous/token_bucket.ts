// So many at once, and so many more in a time.
// Layer rendezvous. Told the time.

export class TokenBucket {
  private tokens: number;
  private atMs: number;

  constructor(
    private readonly burst: number,
    private readonly perMs: number,
    nowMs: number,
  ) {
    this.tokens = burst;
    this.atMs = nowMs;
  }

  /** Whether there was one. */
  take(nowMs: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + (nowMs - this.atMs) * this.perMs);
    this.atMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** Whether it is as one that nobody has taken from. */
  isFull(nowMs: number): boolean {
    return this.tokens + (nowMs - this.atMs) * this.perMs >= this.burst;
  }
}
