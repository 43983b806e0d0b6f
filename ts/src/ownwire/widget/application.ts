// js/application.js, the program of the frame page: waits for the options of its parent, then is the chat. In a window of its own it
// chats with the gateway that served it. Layer ownwire.

import { Chat } from "./chat.js";
import { directionOf } from "../../base/direction.js";
import { makeClientFor, withKeys } from "./sdk_client.js";
import { pinnedKeyId } from "./pinned_key.js";
import { frameOptionNames, type FrameOptions, type ToFrame, type ToLoader } from "./protocol.js";
import { stringsWith } from "./strings.js";
import { tabStorage, Transcript } from "./transcript.js";
import { ChatView } from "./view.js";

const alone = window.parent === window;
/** Origin of the page that sent `init`; nothing else is heard or told after it. */
let embedder: string | undefined;
let chat: Chat | undefined;
let view: ChatView | undefined;
let transcript: Transcript | undefined;
/** What the chat was started with, and what was changed since. */
let given: FrameOptions | undefined;

function tell(message: ToLoader): void {
  // `ready` is for anyone. So is the rest where the page has no origin to name; there are no texts in it.
  if (!alone) window.parent.postMessage(message, embedder === undefined || embedder === "null" ? "*" : embedder);
}

function start(these: FrameOptions): void {
  given = these;
  const options = withKeys(Object.fromEntries(frameOptionNames.map((name) => [name, these[name]])) as unknown as FrameOptions);
  const strings = stringsWith(options.strings);
  const lang = options.lang || "en";
  const dir = options.dir === "rtl" || options.dir === "ltr" ? options.dir : directionOf(lang);
  const title = String(options.title || strings.title);
  const theme = options.theme === "light" || options.theme === "auto" ? options.theme : "dark";
  Object.assign(document.documentElement, { lang, dir });
  document.title = title;

  const name = [embedder ?? "", options.ws_url, options.server_keys[0] ?? ""].join(" ");
  const { visible: wasVisible = false } = chat ?? {};
  const { unread: wasUnread = 0 } = transcript ?? {};
  const its = (transcript = Transcript.of(options.history === false ? undefined : tabStorage(), name, transcript));
  let itsChat: Chat;
  const itsView = new ChatView({ title, strings, lang, timeLang: options.lang, dir, theme, minimizable: !alone }, {
    send: (text) => itsChat.send(text),
    retry: (entry) => itsChat.retry(entry),
    edited: (empty) => itsChat.edited(empty),
    minimize: (focus) => tell({ ownwire: "minimize", focus }),
  });
  itsChat = new Chat(its, itsView, strings, makeClientFor(options, its.session), {
    unread: (count) => tell({ ownwire: "unread", count }),
    event: (event, detail) => tell({ ownwire: "event", name: event, detail }),
  });
  chat = itsChat;
  view = itsView;
  document.body.replaceChildren(view.element);
  void pinnedKeyId(options.server_keys).then((kid) => itsView.showKey(kid));
  const { look } = view;
  if (look) tell({ ownwire: "look", ...look });
  if (alone || wasVisible) return show(alone);
  if (its.unread !== wasUnread) tell({ ownwire: "unread", count: its.unread });
  chat.resume();
  if (its.open) tell({ ownwire: "restore" });
}

function show(focus: boolean): void {
  if (!chat) return;
  chat.visible = true;
  if (focus) view?.focus();
  else view?.toEnd();
}

window.addEventListener("message", (event: MessageEvent<ToFrame>) => {
  if (alone || event.source !== window.parent) return;
  const message = event.data;
  if (embedder === undefined) {
    if (message?.ownwire !== "init" || typeof message.options?.ws_url !== "string") return;
    embedder = event.origin;
    start(message.options);
    return;
  }
  if (event.origin !== embedder) return;
  switch (message?.ownwire) {
    case "restore":
      return show(message.focus === true);
    case "minimize":
      if (chat) chat.visible = false;
      return;
    case "metadata":
      chat?.setMetadata(String(message.metadata));
      if (given) given = { ...given, metadata: String(message.metadata) };
      return;
    case "send":
      return chat?.send(String(message.text));
  }
});

// While the page is kept for the way back another one of the tab may take the session: coming back is as being loaded again.
window.addEventListener("pagehide", ({ persisted }) => {
  if (persisted) chat?.detach();
});
window.addEventListener("pageshow", ({ persisted }) => {
  if (!persisted || !given) return;
  const draft = view?.draft ?? "";
  start(given);
  view?.giveBack(draft);
});

if (alone) start({ ws_url: new URL("/ws", location.href).href });
else tell({ ownwire: "ready" });
