// What the page's loader and the frame say to each other, by postMessage. Never in a URL: URLs pass the proxy and its logs.
// Layer ownwire. Types and names only: the loader must stay small.

import type { WidgetStrings } from "./strings.js";

/** What a page may pass to ownwireWidget(). Unknown keys are ignored. */
export interface WidgetOptions {
  /** Public WebSocket of the gateway, `wss://host/ws`; `https:` is taken as `wss:`. Required. */
  ws_url: string;
  /** Opaque text for the backend, e.g. `username:user1`. No proof of identity. */
  metadata?: string;
  /** Token that the site's own backend signed, handed on to the backend unread. */
  auth?: string;
  /** Heading of the chat. */
  title?: string;
  /** Origin of the frame page. Empty: the page's own if that is the gateway's, else a frame that the loader builds. */
  widget_origin?: string;
  /** Path of the frame page. Default `/`. */
  widget_path?: string;
  /** How the closed widget looks. Default, also for any other value: `bar`. */
  minimized_mode?: "bar" | "icon";
  /** Picture of the launcher. Default `/assets/chat-icon.png` of the widget's origin. */
  icon_url?: string;
  /** Pinned keys of the gateway, base64url; replaces those embedded in the script. The first one is used. */
  server_keys?: readonly string[];
  /** Keep transcript, open state, unread count and session across page changes in this tab. Default true. */
  history?: boolean;
  /** Language of the texts, BCP 47. Default `en`. */
  lang?: string;
  /** Direction. Default: that of `lang`. */
  dir?: "ltr" | "rtl";
  /** Colours. `auto` follows the browser. Default `dark`. */
  theme?: "dark" | "light" | "auto";
  /** Texts that replace the English ones. */
  strings?: Partial<WidgetStrings>;
}

/** The options that reach the frame. */
export const frameOptionNames = [
  "ws_url", "metadata", "auth", "title", "server_keys", "history", "lang", "dir", "theme", "strings",
] as const satisfies readonly (keyof WidgetOptions)[];

/** WidgetOptions as the frame gets them: `ws_url` is absolute. */
export type FrameOptions = Pick<WidgetOptions, (typeof frameOptionNames)[number]>;

/** Loader to frame. The first one is `init`, which is taken once. */
export type ToFrame =
  | { ownwire: "init"; options: FrameOptions }
  | { ownwire: "restore"; focus: boolean }
  | { ownwire: "minimize" }
  | { ownwire: "metadata"; metadata: string }
  | { ownwire: "send"; text: string };

/** Frame to loader. Texts of the chat are never in them: the page that embeds a frame does not see into it. */
export type ToLoader =
  | { ownwire: "ready" }
  | { ownwire: "minimize"; focus: boolean }
  | { ownwire: "restore" }
  | { ownwire: "unread"; count: number }
  | { ownwire: "look"; background: string; color: string }
  | { ownwire: "event"; name: WidgetEvent; detail: unknown };

/** What a page can listen to. `state`: that of the connection; `message`: a reply came; `sent`: the user sent something. */
export type WidgetEvent = "open" | "close" | "unread" | "state" | "message" | "sent" | "error";

/** What ownwireWidget() returns. */
export interface WidgetHandle {
  /** Shows the chat; the first time it connects. */
  open(): void;
  /** Minimises it. The session goes on. */
  close(): void;
  /** Takes frame and launcher away. The session ends as with a closed page. */
  destroy(): void;
  /** Metadata from the next connection on. */
  setMetadata(metadata: string): void;
  /** Sends a text as if the user had typed it. */
  send(text: string): void;
  /** Calls `listener` at every such event; the function returned ends that. */
  on(name: WidgetEvent, listener: (detail: unknown) => void): () => void;
}
