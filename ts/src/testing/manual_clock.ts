// A clock that tests move. Timers fire in the order of their times, inside advance().
import type { CancelTimer, Clock } from "../base/clock.js";

interface Timer {
  at: number;
  then: () => void;
}

export class ManualClock implements Clock {
  private now = 0;
  private readonly timers = new Set<Timer>();

  constructor(private unix = 1_700_000_000) {}

  /** Timers that are set. */
  get pending(): number {
    return this.timers.size;
  }

  monoMs(): number {
    return this.now;
  }

  unixSeconds(): number {
    return this.unix + Math.floor(this.now / 1000);
  }

  after(ms: number, then: () => void): CancelTimer {
    const timer = { at: this.now + ms, then };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Moves on by so many milliseconds, firing what falls due on the way. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
      if (next === undefined) break;
      this.timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.then();
    }
    this.now = end;
  }
}
