// ownwireWidget(): one launcher and one frame in a corner of the page. It knows nothing of keys, sessions or texts; those are the frame's.
// Everything it draws is in a shadow root with a constructed stylesheet, so a page's styles and its content security policy do not touch it.
// Layer ownwire. At most 4 KiB compressed: types only from elsewhere.

import type { FrameOptions, ToFrame, ToLoader, WidgetEvent, WidgetHandle, WidgetOptions } from "./protocol.js";
import { directionOf } from "../../base/direction.js";
import { launcherStyle } from "./launcher_style.js";

/** Pinned keys, comma-separated; the program puts them here when it serves the script. */
const embeddedKeys = "%OWNWIRE_SERVER_KEYS%";
/** `sha384-…` of js/application.js as served. */
const applicationIntegrity = "%OWNWIRE_APPLICATION_SRI%";
/** A literal that was not replaced counts as empty. */
const filled = (literal: string): string => (literal[0] === "%" ? "" : literal);

/** Where this script came from. Only while a classic script runs for the first time. */
const scriptUrl = (globalThis.document?.currentScript as HTMLScriptElement | null | undefined)?.src;

const frameOptions = ["metadata", "auth", "title", "history", "lang", "dir", "theme", "strings"] as const;
/** After that without a `ready` the user is told. */
const frameTimeoutMs = 15_000;
const onlyOne = Symbol.for("ownwire.widget");

/** Where the frame comes from: a page, or markup of ours. `origin` is the one it will have. */
interface Place {
  readonly src?: string;
  readonly srcdoc?: string;
  readonly origin: string;
}

const escape = (text: string): string => text.replace(/[&"<]/g, (each) => `&#${each.charCodeAt(0)};`);

function place(options: WidgetOptions, gateway: string): Place {
  // A page without an origin of its own, as from a file, would give a built frame none either.
  const given = options.widget_origin || (self.origin === gateway || self.origin === "null" ? gateway : "");
  if (given) {
    const url = new URL(given.replace(/\/+$/, "") + `/${options.widget_path ?? ""}`.replace(/^\/+/, "/"));
    if (!/^https?:$/.test(url.protocol)) throw new TypeError("ownwireWidget: widget_origin must be http or https");
    return { src: url.href, origin: url.origin };
  }
  const root = escape(scriptUrl?.match(/^(.*\/)js\/[^/]*$/)?.[1] ?? `${gateway}/`);
  const integrity = filled(applicationIntegrity);
  return {
    // It has the page's origin, and the page's policy applies to it; ours only narrows what may run in it.
    srcdoc:
      `<!doctype html><meta charset=utf-8><meta name=viewport content="width=device-width,initial-scale=1">` +
      `<meta http-equiv=Content-Security-Policy content="script-src ${root};object-src 'none';base-uri 'none'">` +
      `<link rel=stylesheet href="${root}css/style.css"><script type=module crossorigin src="${root}js/application.js"` +
      `${integrity && ` integrity="${integrity}"`}></script>`,
    origin: self.origin,
  };
}

function make<Name extends keyof HTMLElementTagNameMap>(name: Name, values: Record<string, unknown>, ...inside: Node[]): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), values);
  element.append(...inside);
  return element;
}

/**
 * Puts the chat on the page; a second call replaces the first. Waits for the document by itself.
 * Errors   TypeError without a usable `ws_url`.
 * Source   docs/OWNWIRE.md, "The widget".
 */
export function ownwireWidget(options: WidgetOptions): WidgetHandle {
  if (!options?.ws_url) throw new TypeError("ownwireWidget: ws_url is missing");
  const wsUrl = new URL(options.ws_url, location.href);
  const gateway = wsUrl.origin.replace(/^ws/, "http");
  const { src, srcdoc, origin } = place(options, gateway);
  const keys: unknown = options.server_keys ?? filled(embeddedKeys);
  const init: FrameOptions = {
    ws_url: wsUrl.href,
    server_keys: (Array.isArray(keys) ? keys.map(String) : String(keys).split(",")).map((key) => key.trim()).filter(Boolean),
  };
  for (const name of frameOptions) if (options[name] != null) Object.assign(init, { [name]: options[name] });

  const globals = globalThis as { [onlyOne]?: WidgetHandle };
  globals[onlyOne]?.destroy();

  const strings = { title: "Chat", unread: "{n} unread", load_error: "The chat could not be loaded.", ...options.strings };
  const title = String(options.title || strings.title);
  const listeners = new Map<WidgetEvent, Set<(detail: unknown) => void>>();
  const waiting: ToFrame[] = [];
  let ready = false;
  let shown = false;
  let destroyed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const host = document.createElement("ownwire-widget");
  const root = host.attachShadow({ mode: "open" });
  const icon = make("img", { alt: "", src: options.icon_url || `${src ? origin : gateway}/assets/chat-icon.png` });
  icon.onerror = () => icon.remove(); // the stylesheet draws one
  const badge = make("b", { hidden: true });
  const button = make("button", { type: "button", part: "launcher" }, make("i", {}, icon), make("span", { textContent: title }), badge);
  const problem = make("p", {});
  const frame = make("iframe", { title, tabIndex: -1 });
  problem.setAttribute("role", "alert");
  host.dir = options.dir === "ltr" || options.dir === "rtl" ? options.dir : directionOf(String(options.lang ?? ""));
  host.lang = options.lang ?? "";
  host.className = options.minimized_mode === "icon" ? "icon" : "bar";
  host.dataset.theme = options.theme === "light" || options.theme === "auto" ? options.theme : "dark";

  const emit = (name: WidgetEvent, detail?: unknown): void => listeners.get(name)?.forEach((listener) => {
    try {
      listener(detail);
    } catch (error) {
      console.error(error); // a page's mistake is not the widget's end
    }
  });
  const load = (): void => {
    if (src) frame.src = src;
    else frame.srcdoc = srcdoc as string;
  };
  const tell = (message: ToFrame): void => {
    if (ready) frame.contentWindow?.postMessage(message, origin);
    else waiting.push(message);
  };
  const unread = (count: number): void => {
    badge.hidden = !count;
    badge.textContent = count > 99 ? "99+" : count ? String(count) : "";
    button.setAttribute("aria-label", count ? `${title}: ${strings.unread.replace("{n}", String(count))}` : title);
    emit("unread", count);
  };
  const show = (focus: boolean): void => {
    if (shown || destroyed) return;
    shown = true;
    host.toggleAttribute("open", true);
    frame.tabIndex = 0;
    if (focus) frame.focus();
    tell({ ownwire: "restore", focus });
    if (problem.textContent) load(); // once more
    problem.textContent = "";
    if (!ready) timer = setTimeout(() => ((problem.textContent = strings.load_error), hide(focus)), frameTimeoutMs);
    emit("open");
  };
  const hide = (focus: boolean): void => {
    if (!shown) return;
    shown = false;
    clearTimeout(timer);
    const had = root.activeElement === frame;
    host.toggleAttribute("open", false);
    frame.tabIndex = -1;
    if (focus || had) button.focus();
    tell({ ownwire: "minimize" });
    emit("close");
  };
  button.onclick = () => show(true);

  const hear = (event: MessageEvent<ToLoader>): void => {
    if (event.source !== frame.contentWindow || !event.source || event.origin !== origin) return;
    const message = event.data;
    switch (message?.ownwire) {
      case "ready":
        // A frame that was loaded again says it again, and knows nothing.
        ready = true;
        clearTimeout(timer);
        problem.textContent = "";
        tell({ ownwire: "init", options: init });
        if (shown && !waiting.some(({ ownwire }) => ownwire === "restore")) tell({ ownwire: "restore", focus: false });
        waiting.splice(0).forEach(tell);
        break;
      case "minimize":
        hide(message.focus === true);
        break;
      case "restore":
        show(false);
        break;
      case "unread":
        unread(Number(message.count) || 0);
        break;
      case "look":
        button.style.backgroundColor = message.background;
        button.style.color = message.color;
        break;
      case "event":
        emit(message.name, message.detail);
    }
  };

  const mount = (): void => {
    if (destroyed) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(launcherStyle);
    root.adoptedStyleSheets = [sheet];
    root.append(problem, button, frame);
    unread(0);
    load();
    addEventListener("message", hear);
    document.body.append(host);
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", mount, { once: true });
  else mount();

  return (globals[onlyOne] = {
    open: () => show(true),
    close: () => hide(false),
    destroy() {
      destroyed = true;
      clearTimeout(timer);
      removeEventListener("message", hear);
      host.remove();
    },
    setMetadata(metadata) {
      init.metadata = String(metadata);
      if (ready) tell({ ownwire: "metadata", metadata: init.metadata });
    },
    send: (text) => tell({ ownwire: "send", text: String(text) }),
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },
  });
}

/** Options as data-* attributes of a script tag, for pages whose policy allows no script of their own: `data-ws-url`, `data-title`, … */
export function optionsOf(script: HTMLElement): WidgetOptions | undefined {
  if (!script.dataset.wsUrl) return undefined;
  const options: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(script.dataset)) options[name.replace(/[A-Z]/g, (each) => `_${each.toLowerCase()}`)] = text;
  options.history = options.history !== "false";
  if (options.strings) options.strings = JSON.parse(String(options.strings));
  return options as unknown as WidgetOptions;
}
