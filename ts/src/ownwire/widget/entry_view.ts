// One message: a bubble, and below it time and state.
// Layer ownwire.

import { make } from "./dom.js";
import type { defaultStrings } from "./strings.js";
import type { Entry } from "./transcript.js";

/** Draws one entry of the transcript. */
export class EntryView {
  readonly element: HTMLElement;
  readonly #meta = make("div", { className: "meta" });
  readonly #entry: Entry;
  readonly #strings: typeof defaultStrings;
  readonly #lang: string | undefined;
  readonly #retry: () => void;

  constructor(entry: Entry, strings: typeof defaultStrings, lang: string | undefined, retry: () => void) {
    this.#lang = lang;
    this.#meta.setAttribute("aria-live", "off"); // a state that changes is not a new message
    this.#entry = entry;
    this.#strings = strings;
    this.#retry = retry;
    const mine = entry.from === "user";
    const bubble = make("div", { className: mine ? "message" : "message reply", dir: "auto" }, entry.text);
    this.element = make("div", { className: mine ? "entry" : "entry theirs" },
      make("span", { className: "visually-hidden" }, `${mine ? strings.you : strings.reply}: `), bubble, this.#meta);
    this.update();
  }

  update(): void {
    const { state, at_ms, from } = this.#entry;
    const strings = this.#strings;
    const at = new Date(at_ms);
    const parts: Node[] = [make("time", { dateTime: at.toISOString() }, at.toLocaleTimeString(this.#lang, { hour: "2-digit", minute: "2-digit" }))];
    if (from === "user") {
      parts.push(make("span", { className: "state" }, strings[state]));
      if (state === "failed") {
        const again = make("button", { type: "button", className: "link" }, strings.retry);
        again.onclick = this.#retry;
        parts.push(again);
      }
    }
    this.element.classList.toggle("failed", state === "failed");
    this.#meta.replaceChildren(...parts);
  }
}
