// What a client says right behind its registration, while that is judged.
// Layer rendezvous. Kept in order and within a bound, so that nobody has to wait for the answer before speaking. Source: docs/LIMITS.md.

import { utf8 } from "../base/index.js";
import { maxEarlyTextBytes } from "./limits.js";

export class EarlyTexts {
  private readonly texts: string[] = [];
  private bytes = 0;

  /** False, and it is not kept, when that would be too much. */
  add(text: string): boolean {
    const { length } = utf8(text);
    if (this.bytes + length > maxEarlyTextBytes) return false;
    this.bytes += length;
    this.texts.push(text);
    return true;
  }

  /** All of them; none is left. */
  take(): string[] {
    this.bytes = 0;
    return this.texts.splice(0);
  }
}
