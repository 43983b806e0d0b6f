// <ownwire-chat>: the same chat as part of a page, without frame and launcher. Its styles are in a shadow root; the stylesheet comes
// from the gateway unless `stylesheet` names another. Layer ownwire.
//
//   <ownwire-chat ws-url="wss://chat.example/ws" heading="Ask us" server-keys="…"></ownwire-chat>

import { Chat } from "./chat.js";
import { directionOf } from "../../base/direction.js";
import { make } from "./dom.js";
import { pinnedKeyId } from "./pinned_key.js";
import { makeClientFor, withKeys } from "./sdk_client.js";
import type { FrameOptions } from "./protocol.js";
import { stringsWith, type WidgetStrings } from "./strings.js";
import { tabStorage, Transcript } from "./transcript.js";
import { ChatView } from "./view.js";

/** A page without custom elements (a server that renders) can load this module all the same. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

const hostStyle = ":host{display:block;height:560px;min-height:240px;overflow:hidden;border-radius:16px}:host([hidden]){display:none}";

/**
 * The element. It connects when it is first seen, or at once when it had in this tab; attributes are read when it enters a document.
 * Several on one page need an `id` each, under which session and messages are kept in the tab.
 * Attributes  ws-url (required), heading, metadata, auth, server-keys (comma-separated), history, lang, dir, theme, stylesheet.
 * Events      ownwire-state, ownwire-message, ownwire-sent, ownwire-error; `detail` as with ownwireWidget().
 */
export class OwnwireChatElement extends Base {
  /** Texts that replace the English ones; set before the element enters a document. */
  strings: Partial<WidgetStrings> | undefined;
  #chat: Chat | undefined;
  #transcript: Transcript | undefined;
  #view: ChatView | undefined;
  #seen: IntersectionObserver | undefined;
  /** While the page is kept for the way back another one of the tab may take the session. */
  readonly #turn = ({ type, persisted }: PageTransitionEvent): void => {
    if (persisted) type === "pagehide" ? this.#leave() : this.#enter();
  };

  /** The browser's to call: draws the chat. */
  connectedCallback(): void {
    for (const type of ["pagehide", "pageshow"] as const) window.addEventListener(type, this.#turn);
    this.#enter();
  }

  /** The browser's to call: ends the connection; the session goes on when the element comes back. */
  disconnectedCallback(): void {
    for (const type of ["pagehide", "pageshow"] as const) window.removeEventListener(type, this.#turn);
    this.#leave();
  }

  #enter(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const options = withKeys(this.#options());
    const strings = stringsWith(this.strings);
    const lang = options.lang ?? "en";
    const dir = options.dir ?? directionOf(lang);
    const url = new URL(options.ws_url, location.href);
    const gateway = url.origin.replace(/^ws/, "http");
    const name = [self.origin, url.href, options.server_keys[0] ?? "", ...(this.id ? [this.id] : [])].join(" ");
    const transcript = (this.#transcript = Transcript.of(options.history === false ? undefined : tabStorage(), name, this.#transcript));
    const draft = this.#view?.draft ?? "";
    const heading = options.title || strings.title;
    let chat: Chat;
    const view = new ChatView({ title: heading, strings, lang, timeLang: options.lang, dir, theme: options.theme ?? "dark", minimizable: false, embedded: true }, {
      send: (text) => chat.send(text),
      retry: (entry) => chat.retry(entry),
      edited: (empty) => chat.edited(empty),
      minimize: () => undefined,
    });
    chat = this.#chat = new Chat(transcript, view, strings, makeClientFor({ ...options, ws_url: url.href }, transcript.session), {
      unread: () => undefined,
      event: (event, detail) => void this.dispatchEvent(new CustomEvent(`ownwire-${event}`, { detail })),
    });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(hostStyle);
    root.adoptedStyleSheets = [sheet];
    const link = make("link", { rel: "stylesheet", href: this.getAttribute("stylesheet") ?? `${gateway}/css/style.css` });
    root.replaceChildren(link, view.element);
    view.giveBack(draft);
    this.#view = view;
    void pinnedKeyId(options.server_keys).then((kid) => view.showKey(kid));
    this.#seen = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) chat.visible = true;
    });
    this.#seen.observe(this);
    chat.resume();
  }

  #leave(): void {
    this.#seen?.disconnect();
    this.#chat?.detach();
    this.#chat = undefined;
  }

  /** Sends a text as if the user had typed it. */
  send(text: string): void {
    this.#chat?.send(String(text));
  }

  /** Metadata from the next connection on. */
  setMetadata(metadata: string): void {
    this.#chat?.setMetadata(metadata);
    this.setAttribute("metadata", metadata);
  }

  #options(): FrameOptions {
    const wsUrl = this.getAttribute("ws-url");
    if (!wsUrl) throw new TypeError("ownwire-chat: ws-url is missing");
    const options: FrameOptions = { ws_url: wsUrl, history: this.getAttribute("history") !== "false" };
    for (const [option, attribute] of [["metadata", "metadata"], ["auth", "auth"], ["title", "heading"], ["lang", "lang"]] as const) {
      const text = this.getAttribute(attribute);
      if (text) options[option] = text;
    }
    const dir = this.getAttribute("dir");
    if (dir === "ltr" || dir === "rtl") options.dir = dir;
    const theme = this.getAttribute("theme");
    if (theme === "light" || theme === "auto") options.theme = theme;
    const keys = this.getAttribute("server-keys");
    if (keys) options.server_keys = keys.split(",").map((key) => key.trim());
    return options;
  }
}

/** Registers the element, once. */
export function defineOwnwireChat(name = "ownwire-chat"): void {
  if (!customElements.get(name)) customElements.define(name, name === "ownwire-chat" ? OwnwireChatElement : class extends OwnwireChatElement {});
}
