// The list of messages: it stays at its end unless the user reads further up.
// Layer ownwire.

import { make } from "./dom.js";
import type { defaultStrings } from "./strings.js";

/** The scrolling part of the chat. */
export interface MessageLog {
  readonly element: HTMLElement;
  /** Appends a message; `mine` also scrolls to it from further up. */
  add(message: HTMLElement, mine: boolean): void;
  typing(on: boolean): void;
  toEnd(): void;
}

/** Distance from the end that still counts as the end, in CSS pixels. */
const nearEndPx = 60;

/** An empty log with its greeting. */
export function messageLog(strings: typeof defaultStrings): MessageLog {
  const welcome = make("p", { className: "welcome" }, strings.welcome);
  const dots = make("div", { className: "typing", hidden: true }, ...[1, 2, 3].map(() => make("span", { className: "typing-dot" })));
  dots.setAttribute("role", "img");
  dots.setAttribute("aria-label", strings.typing);
  const list = make("div", { className: "messages", tabIndex: 0 }, welcome, dots);
  list.setAttribute("role", "log");
  list.setAttribute("aria-live", "polite");
  list.setAttribute("aria-label", strings.log_label);
  const below = make("button", { type: "button", className: "below", hidden: true }, strings.new_messages);

  const toEnd = (): void => {
    list.scrollTop = list.scrollHeight;
    below.hidden = true;
  };
  const atEnd = (): boolean => list.scrollHeight - list.scrollTop - list.clientHeight < nearEndPx;
  below.onclick = () => {
    toEnd();
    list.focus();
  };
  list.addEventListener("scroll", () => {
    if (atEnd()) below.hidden = true;
  }, { passive: true });
  // A keyboard that comes up, or a text field that grows, must not hide the last message.
  let wasAtEnd = true;
  list.addEventListener("scroll", () => (wasAtEnd = atEnd()), { passive: true });
  new ResizeObserver(() => wasAtEnd && toEnd()).observe(list);

  return {
    element: make("div", { className: "window" }, list, below),
    add(message, mine) {
      const follow = mine || atEnd();
      welcome.remove();
      list.insertBefore(message, dots);
      if (follow) toEnd();
      else below.hidden = false;
    },
    typing(on) {
      const follow = atEnd();
      dots.hidden = !on;
      if (on && follow) toEnd();
    },
    toEnd,
  };
}
