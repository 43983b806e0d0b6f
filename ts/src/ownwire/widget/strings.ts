// Every text of the widget, in English. A page replaces single ones with the option `strings`.
// Layer ownwire.

/** Texts of the frame. `{…}` is filled in. */
export const defaultStrings = {
  title: "Chat",
  /** Above an empty transcript. */
  welcome: "Hello! How can we help you?",
  placeholder: "Write a message…",
  message_label: "Your message",
  send: "Send",
  minimize: "Minimise chat",
  log_label: "Messages",
  you: "You",
  reply: "Reply",
  connecting: "Connecting…",
  reconnecting: "Connection lost. Trying again…",
  offline: "You are offline. We connect again when the network is back.",
  ended: "The chat has ended.",
  start_again: "Start again",
  taken: "This chat goes on in another tab.",
  start_here: "Start a new chat here",
  setup_error: "The chat cannot start: {reason}",
  unproven: "The server could not prove that it is the right one, so nothing was sent to it.",
  unreachable: "The chat cannot be reached right now. We keep trying…",
  unavailable: "Nobody is available right now. Please try again later.",
  too_long: "This text is too long. Please shorten it.",
  too_many: "That was too fast. Please wait a moment, then try again.",
  queued: "Sending…",
  sent: "Sent",
  delivered: "Delivered",
  failed: "Not sent",
  retry: "Try again",
  typing: "Typing…",
  new_messages: "New messages",
  secure: "End-to-end encrypted",
  secure_detail: "Messages are sealed for the holder of this key before they leave your browser. Servers in between carry ciphertext only. Key:",
  no_key: "No key is pinned.",
};

/** The names of all texts. */
export type WidgetStrings = typeof defaultStrings & LauncherStrings;

/** Texts of the launcher, which is the loader's. */
export interface LauncherStrings {
  /** Name of the launcher in icon mode, and of the frame. */
  title: string;
  /** Added to the launcher's name when there are unread replies. */
  unread: string;
  /** When the frame page does not come. */
  load_error: string;
}

/** The default texts with those of `given` that are texts. */
export function stringsWith(given: unknown): typeof defaultStrings {
  const all = { ...defaultStrings };
  if (typeof given !== "object" || given === null) return all;
  for (const name of Object.keys(all) as (keyof typeof all)[]) {
    const text = (given as Record<string, unknown>)[name];
    if (typeof text === "string") all[name] = text;
  }
  return all;
}
