// One timer that follows a machine's deadline.
// Layer rendezvous.

import type { CancelTimer, Clock } from "../base/index.js";

export class Alarm {
  private armedFor: number | undefined;
  private cancel: CancelTimer = () => {};

  /** `ring` is called when the deadline has come; whoever wants another one sets it. */
  constructor(
    private readonly clock: Clock,
    private readonly ring: (nowMs: number) => void,
  ) {}

  /** The earliest of these; none: never. */
  set(...deadlines: readonly (number | undefined)[]): void {
    const least = deadlines.reduce<number>((sofar, each) => Math.min(sofar, each ?? Infinity), Infinity);
    const deadline = least === Infinity ? undefined : least;
    if (deadline === this.armedFor) return;
    this.cancel();
    this.armedFor = deadline;
    if (deadline === undefined) return;
    this.cancel = this.clock.after(Math.max(0, deadline - this.clock.monoMs()), () => {
      this.armedFor = undefined;
      this.ring(this.clock.monoMs());
    });
  }

  /** The same, but an earlier timer stays, and looks again: one for each frame that moves a deadline would be many. */
  setNoLater(deadline: number | undefined): void {
    if (deadline === undefined || this.armedFor === undefined || this.armedFor > deadline) this.set(deadline);
  }
}
