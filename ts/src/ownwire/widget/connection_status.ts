// The line above the transcript: what the connection does, in words for the user; silent while all is well.
// Layer ownwire.

import type { ConnectionState, Problem } from "./client.js";
import type { defaultStrings } from "./strings.js";
import type { Status } from "./view.js";

/** A connection that comes within that is not worth a line that flashes. */
export const quietMs = 500;
/** Failed attempts after which the words change from hope to a statement. */
const attemptsBeforeUnreachable = 3;
/** Reasons after which the server has to be taken for the wrong one. They only choose words. */
const unprovenCodes = new Set(["unknown_key", "handshake_failed", "invalid_open"]);

/** Chooses the line. */
export class ConnectionStatus {
  readonly #strings: typeof defaultStrings;
  readonly #show: (status: Status | undefined) => void;
  readonly #startAgain: () => void;
  #note: string | undefined;
  #state: ConnectionState = "idle";
  #taken = false;
  #broken: string | undefined;
  #unproven = false;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #network = (): void => this.#draw();

  constructor(strings: typeof defaultStrings, show: (status: Status | undefined) => void, startAgain: () => void) {
    this.#strings = strings;
    this.#show = show;
    this.#startAgain = startAgain;
    globalThis.addEventListener?.("online", this.#network);
    globalThis.addEventListener?.("offline", this.#network);
  }

  state(state: ConnectionState): void {
    this.#state = state;
    this.#broken = undefined;
    if (state === "open" || state === "idle") {
      this.#attempts = 0;
      this.#unproven = false;
      this.#taken = false;
    }
    clearTimeout(this.#timer);
    if (state === "connecting" && this.#attempts === 0) this.#timer = setTimeout(() => this.#draw(), quietMs);
    else this.#draw();
  }

  problem({ code }: Problem): void {
    if (code === "session_taken") this.#taken = true;
    if (unprovenCodes.has(code)) this.#unproven = true;
    this.#attempts++;
    this.#draw();
  }

  /** The client could not even be made. */
  broken(reason: string): void {
    this.#broken = reason;
    this.#draw();
  }

  /** Something about a single message; goes with the next good news. */
  note(text: string | undefined): void {
    this.#note = text;
    this.#draw();
  }

  stop(): void {
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#network);
    globalThis.removeEventListener?.("offline", this.#network);
  }

  #draw(): void {
    this.#show(this.#choose());
  }

  #choose(): Status | undefined {
    const strings = this.#strings;
    const action = (text: string, label: string): Status => ({ text, problem: true, action: { label, run: () => this.#startAgain() } });
    if (this.#broken !== undefined) return { text: strings.setup_error.replace("{reason}", this.#broken), problem: true };
    if (this.#taken) return action(strings.taken, strings.start_here);
    if (this.#state === "closed") return action(strings.ended, strings.start_again);
    if (this.#state === "idle" || this.#state === "open") return this.#note === undefined ? undefined : { text: this.#note, problem: true };
    if (globalThis.navigator?.onLine === false) return { text: strings.offline, problem: true };
    if (this.#unproven) return { text: strings.unproven, problem: true };
    if (this.#attempts >= attemptsBeforeUnreachable) return { text: strings.unreachable, problem: true };
    return { text: this.#state === "connecting" ? strings.connecting : strings.reconnecting };
  }
}
