// The chat between SDK and view: what is sent, delivered, failed, unread; when it connects; what the line above the transcript says.
// Layer ownwire. No DOM: a view is given.

import type { ChatClient, ClientEvents, ConnectionState, DeliveryStatus, MakeClient, Problem } from "./client.js";
import { ConnectionStatus } from "./connection_status.js";
import type { WidgetEvent } from "./protocol.js";
import type { defaultStrings } from "./strings.js";
import type { Entry, Transcript } from "./transcript.js";
import type { Status } from "./view.js";
import { VisitorTyping } from "./visitor_typing.js";

/** What the chat draws on. */
export interface ChatSurface {
  show(entry: Entry): void;
  remove(entry: Entry): void;
  showStatus(status: Status | undefined): void;
  showTyping(on: boolean): void;
  giveBack(text: string): void;
}

/** What whoever embeds the chat hears. */
export interface ChatListener {
  unread(count: number): void;
  event(name: WidgetEvent, detail?: unknown): void;
}

/** Longest text, in bytes of UTF-8; the gateway's default limit. */
export const maxContentBytes = 64 * 1024;
/** Typing dots without a reply. */
export const typingTimeoutMs = 60_000;

const entryProblems: Record<string, "unavailable" | "too_long" | "too_many"> = {
  backend_unavailable: "unavailable",
  content_too_large: "too_long",
  rate_limited: "too_many",
};

const isOnItsWay = ({ state }: Entry): boolean => state === "queued" || state === "sent";

/** One chat. It connects when it is first visible, or at once when an earlier page of this tab had connected. */
export class Chat implements ClientEvents {
  readonly #transcript: Transcript;
  readonly #surface: ChatSurface;
  readonly #strings: typeof defaultStrings;
  readonly #makeClient: MakeClient;
  readonly #listener: ChatListener;
  readonly #status: ConnectionStatus;
  readonly #visitor: VisitorTyping;
  readonly #sending = new Map<number, Entry>();
  #client: ChatClient | undefined;
  #handing: Entry | undefined;
  #metadata: string | undefined;
  #hasEnded = false;
  #visible = false;
  #dots: ReturnType<typeof setTimeout> | undefined;

  constructor(transcript: Transcript, surface: ChatSurface, strings: typeof defaultStrings, makeClient: MakeClient, listener: ChatListener) {
    this.#transcript = transcript;
    this.#surface = surface;
    this.#strings = strings;
    this.#makeClient = makeClient;
    this.#listener = listener;
    this.#status = new ConnectionStatus(strings, (status) => surface.showStatus(status), () => this.#startAgain());
    this.#visitor = new VisitorTyping((on) => this.#client?.typing(on));
    for (const entry of transcript.entries) surface.show(entry);
  }

  /** Connects if an earlier page had. */
  resume(): void {
    if (this.#transcript.session.load() !== null) this.#wake();
  }

  set visible(visible: boolean) {
    this.#visible = visible;
    this.#transcript.open = visible;
    if (!visible) return;
    this.#setUnread(0);
    this.#wake();
  }

  get visible(): boolean {
    return this.#visible;
  }

  send(given: string): void {
    const text = given.trim();
    if (text === "") return;
    if (new TextEncoder().encode(text).length > maxContentBytes) {
      this.#status.note(this.#strings.too_long);
      this.#surface.giveBack(given);
      return;
    }
    const entry: Entry = { from: "user", text, at_ms: Date.now(), state: "queued" };
    this.#visitor.stop();
    if (this.#hasEnded) this.#startAgain();
    else this.#wake();
    for (const gone of this.#transcript.add(entry)) this.#surface.remove(gone);
    this.#surface.show(entry);
    this.#hand(entry);
    this.#listener.event("sent");
  }

  retry(entry: Entry): void {
    this.#status.note(undefined);
    this.#transcript.remove(entry);
    this.#surface.remove(entry);
    this.send(entry.text);
  }

  edited(empty: boolean): void {
    this.#visitor.edited(empty);
  }

  /** From the next connection on. Throws what the SDK throws. */
  setMetadata(metadata: string): void {
    this.#client?.setMetadata(metadata);
    this.#metadata = metadata;
  }

  /** The page goes away; the session stays for the next one. */
  detach(): void {
    this.#visitor.stop();
    this.#showDots(false);
    this.#status.stop();
    this.#client?.detach();
    this.#client = undefined;
  }

  // ClientEvents

  state(state: ConnectionState): void {
    this.#status.state(state);
    if (state !== "open") this.#showDots(false);
    this.#hasEnded = state === "closed";
    if (this.#hasEnded) this.#failAll(); // no text stays on its way in silence
    this.#listener.event("state", state);
  }

  reply(text: string): void {
    this.#showDots(false);
    this.#status.note(undefined);
    const entry: Entry = { from: "backend", text, at_ms: Date.now(), state: "delivered" };
    for (const gone of this.#transcript.add(entry)) this.#surface.remove(gone);
    this.#surface.show(entry);
    if (!this.#visible) this.#setUnread(this.#transcript.unread + 1);
    this.#listener.event("message");
  }

  delivery(id: number, status: DeliveryStatus): void {
    if (this.#handing) this.#sent(this.#handing, id); // said before send() has returned the number
    const entry = this.#sending.get(id);
    if (!entry) return;
    this.#mark(entry, status);
    if (status !== "delivered" && status !== "failed") return;
    this.#sending.delete(id);
    if (status === "failed") return;
    this.#status.note(undefined);
    this.#showDots(true);
  }

  typing(on: boolean): void {
    this.#showDots(on);
  }

  problem(problem: Problem): void {
    const name = problem.id === undefined ? undefined : entryProblems[problem.code];
    if (name) this.#status.note(this.#strings[name]);
    else this.#status.problem(problem);
    this.#listener.event("error", { code: problem.code });
  }

  #wake(): void {
    if (this.#client) return;
    try {
      const client = this.#makeClient(this);
      if (this.#metadata !== undefined) client.setMetadata(this.#metadata);
      this.#client = client;
    } catch (error) {
      this.#status.broken(error instanceof Error ? error.message : String(error));
      this.#failAll();
      this.#listener.event("error", { code: "setup" });
      return;
    }
    const pending = new Set(this.#client.pending);
    for (const entry of this.#transcript.entries) {
      if (!isOnItsWay(entry) || this.#sending.has(entry.id ?? 0)) continue;
      // A former page had not heard what became of it.
      if (entry.id !== undefined && pending.has(entry.id)) this.#sending.set(entry.id, entry);
      else this.#mark(entry, "failed");
    }
    this.#client.connect();
  }

  /** After the end: a new session. The old one has ended, or is another tab's. */
  #startAgain(): void {
    this.#client?.detach();
    this.#client = undefined;
    this.#hasEnded = false;
    this.#transcript.session.save(null);
    this.#status.state("idle");
    this.#wake();
  }

  #hand(entry: Entry): void {
    this.#handing = entry;
    try {
      if (!this.#client) throw new Error("no client");
      this.#sent(entry, this.#client.send(entry.text));
    } catch {
      this.#mark(entry, "failed");
    } finally {
      this.#handing = undefined;
    }
  }

  #sent(entry: Entry, id: number): void {
    if (entry.id === id) return;
    entry.id = id;
    this.#sending.set(id, entry);
    this.#transcript.save();
  }

  #mark(entry: Entry, state: Entry["state"]): void {
    entry.state = state;
    this.#transcript.save();
    this.#surface.show(entry);
  }

  #failAll(): void {
    this.#sending.clear();
    for (const entry of this.#transcript.entries) if (isOnItsWay(entry)) this.#mark(entry, "failed");
  }

  #setUnread(count: number): void {
    if (count === this.#transcript.unread) return;
    this.#transcript.unread = count;
    this.#listener.unread(count);
  }

  #showDots(on: boolean): void {
    clearTimeout(this.#dots);
    this.#dots = on ? setTimeout(() => this.#showDots(false), typingTimeoutMs) : undefined;
    this.#surface.showTyping(on);
  }
}
