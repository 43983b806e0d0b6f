// Tells the backend that the user is typing: once when it begins, once when it ends or pauses. Never what is typed.
// Layer ownwire.

/** A pause that counts as the end. */
export const typingPauseMs = 5_000;

/** Turns edits of the text field into on and off. */
export class VisitorTyping {
  readonly #tell: (on: boolean) => void;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (on: boolean) => void) {
    this.#tell = tell;
  }

  edited(empty: boolean): void {
    if (empty) return this.stop();
    if (this.#pause === undefined) this.#tell(true);
    else clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.stop(), typingPauseMs);
  }

  stop(): void {
    if (this.#pause === undefined) return;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#tell(false);
  }
}
