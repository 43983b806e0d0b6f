// What the user sees: heading, transcript, text field. It draws what it is told and reports what the user does; it decides nothing.
// Texts become text nodes, never markup. Works in a page of its own and in a shadow root.
// Layer ownwire.

import { button, icon, make } from "./dom.js";
import { EntryView } from "./entry_view.js";
import { messageLog, type MessageLog } from "./message_log.js";
import type { defaultStrings } from "./strings.js";
import type { Entry } from "./transcript.js";

/** How the chat looks and speaks. */
export interface ViewOptions {
  readonly title: string;
  readonly strings: typeof defaultStrings;
  readonly lang: string;
  /** Language in which times are written; default: the browser's. */
  readonly timeLang: string | undefined;
  readonly dir: "ltr" | "rtl";
  readonly theme: "dark" | "light" | "auto";
  /** Whether there is something to minimise into. */
  readonly minimizable: boolean;
  /** In a page among other things, not a page of its own. */
  readonly embedded?: boolean;
}

/** What the user did. */
export interface ViewEvents {
  send(text: string): void;
  retry(entry: Entry): void;
  minimize(focus: boolean): void;
  /** The text field changed; `empty` after it was sent or cleared. */
  edited(empty: boolean): void;
}

/** A line above the transcript. `action` is a button in it. */
export interface Status {
  readonly text: string;
  readonly problem?: boolean;
  readonly action?: { readonly label: string; run(): void };
}

/** A text field grows to six lines, then scrolls. */
const maxFieldPx = 132;

/** undefined for what is no language tag. */
function knownLanguage(lang: string | undefined): string | undefined {
  try {
    return new Date(0).toLocaleTimeString(lang) ? lang : undefined;
  } catch {
    return undefined;
  }
}

/** The chat in one element. Append `element`; the page brings the stylesheet. */
export class ChatView {
  readonly element: HTMLElement;
  readonly #header: HTMLElement;
  readonly #status: HTMLElement;
  readonly #kid: HTMLElement;
  readonly #field: HTMLTextAreaElement;
  readonly #send: HTMLButtonElement;
  readonly #log: MessageLog;
  readonly #strings: typeof defaultStrings;
  readonly #lang: string | undefined;
  readonly #dir: "ltr" | "rtl";
  readonly #events: ViewEvents;
  readonly #entries = new Map<Entry, EntryView>();

  constructor(options: ViewOptions, events: ViewEvents) {
    const { strings } = options;
    this.#strings = strings;
    this.#lang = knownLanguage(options.timeLang);
    this.#dir = options.dir;
    this.#events = events;
    this.#kid = make("code", {});
    const security = make("section", { hidden: true, id: "ownwire-security" },
      make("p", {}, make("strong", {}, strings.secure)), make("p", {}, strings.secure_detail), make("p", {}, this.#kid));
    security.className = "security";
    const lock = button("tool lock", strings.secure, icon("lock"));
    lock.setAttribute("aria-expanded", "false");
    lock.setAttribute("aria-controls", security.id);
    lock.onclick = () => {
      security.hidden = !security.hidden;
      lock.setAttribute("aria-expanded", String(!security.hidden));
    };
    this.#header = make("header", {}, make(options.embedded ? "h2" : "h1", { className: "title" }, options.title), lock);
    if (options.minimizable) {
      const minimize = button("tool minimize", strings.minimize, icon("minimize"));
      minimize.onclick = () => events.minimize(true);
      this.#header.append(minimize);
    }
    this.#status = make("div", { className: "status" });
    this.#status.setAttribute("role", "status");
    this.#log = messageLog(strings);

    this.#field = make("textarea", { id: "ownwire-text", rows: 1, placeholder: strings.placeholder, autocomplete: "off" });
    this.#send = button("send-message", strings.send, icon("send"));
    this.#send.type = "submit";
    const form = make("form", {}, make("label", { className: "visually-hidden", htmlFor: this.#field.id }, strings.message_label), this.#field, this.#send);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.#field.oninput = () => this.#edited();
    this.#field.onkeydown = (event) => this.#key(event);

    this.element = make(options.embedded ? "section" : "main", { className: "chat", lang: options.lang, dir: options.dir }, this.#header, security, this.#status, this.#log.element, form);
    this.element.dataset.theme = options.theme;
    if (options.embedded) this.element.setAttribute("aria-label", options.title);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing || !options.minimizable) return;
      event.preventDefault();
      events.minimize(true);
    });
    this.#edited(true);
  }

  /** Colours of the heading as the stylesheet made them; the launcher takes them over. undefined when there is a picture behind it. */
  get look(): { background: string; color: string } | undefined {
    const { backgroundColor: background, color } = getComputedStyle(this.#header);
    return /^rgb\(/.test(background) ? { background, color } : undefined;
  }

  /** Id of the pinned key behind the lock. */
  showKey(kid: string): void {
    this.#kid.textContent = kid || this.#strings.no_key;
  }

  /** Nothing to say: undefined. */
  showStatus(status: Status | undefined): void {
    this.#status.classList.toggle("problem", status?.problem === true);
    if (!status) return this.#status.replaceChildren();
    const parts: Node[] = [make("span", {}, status.text)];
    if (status.action) {
      const { label, run } = status.action;
      const link = make("button", { className: "link", type: "button" }, label);
      link.onclick = () => {
        run();
        this.focus();
      };
      parts.push(link);
    }
    this.#status.replaceChildren(...parts);
  }

  showTyping(on: boolean): void {
    this.#log.typing(on);
  }

  /** Adds the entry, or draws its new state. */
  show(entry: Entry): void {
    const known = this.#entries.get(entry);
    if (known) return known.update();
    const view = new EntryView(entry, this.#strings, this.#lang, () => this.#events.retry(entry));
    this.#entries.set(entry, view);
    this.#log.add(view.element, entry.from === "user");
  }

  remove(entry: Entry): void {
    this.#entries.get(entry)?.element.remove();
    this.#entries.delete(entry);
  }

  /** What is being written. */
  get draft(): string {
    return this.#field.value;
  }

  /** Puts a text that could not be sent back, unless there is another one by now. */
  giveBack(text: string): void {
    if (this.#field.value !== "") return;
    this.#field.value = text;
    this.#edited();
  }

  /** To the last message. */
  toEnd(): void {
    this.#log.toEnd();
  }

  /** To the text field. */
  focus(): void {
    this.#field.focus();
    this.#log.toEnd();
  }

  #submit(): void {
    const text = this.#field.value;
    this.#field.focus();
    if (text.trim() === "") return;
    this.#field.value = "";
    this.#edited();
    this.#events.send(text);
  }

  #key(event: KeyboardEvent): void {
    // 229: Safari ends the composition before this event; the key is the input method's all the same.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #edited(silent = false): void {
    const empty = this.#field.value.trim() === "";
    this.#send.setAttribute("aria-disabled", String(empty));
    this.#field.dir = empty ? this.#dir : "auto";
    this.#field.style.height = "auto";
    if (this.#field.scrollHeight > 0) this.#field.style.height = `${Math.min(this.#field.scrollHeight + 2, maxFieldPx)}px`;
    if (!silent) this.#events.edited(empty);
  }
}
