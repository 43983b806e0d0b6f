// What survives a change of page in this tab: the last messages, whether the chat was open, unread replies, the session.
// In sessionStorage, under a name that another embedding page, gateway or key does not share: whoever embeds the frame elsewhere in
// the same tab neither sees the texts nor gets the session to take over. Layer ownwire.

import type { DeliveryStatus } from "./client.js";

/** A message of the transcript. */
export interface Entry {
  readonly from: "user" | "backend";
  readonly text: string;
  readonly at_ms: number;
  /** `queued` until there is a connection, `sent` until the gateway acknowledged it. A reply is `delivered`. */
  state: DeliveryStatus;
  /** Number of the user's message, the SDK's. */
  id?: number;
}

/** What a session keeps for the next page; the SDK's to fill. */
export interface SessionStore {
  load(): string | null;
  save(text: string | null): void;
}

/** Entries that are kept; older ones go. Each is at most as long as the gateway takes (64 KiB). */
export const maxEntries = 100;

interface Saved {
  entries: Entry[];
  open: boolean;
  unread: number;
}

/** The part of Storage that is used; so a test can bring its own. */
export type TabStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** The tab's storage, or undefined where the browser does not give one to this frame. */
export function tabStorage(): TabStorage | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

/** The kept state of one chat. Without storage it lives as long as the page. */
export class Transcript {
  readonly entries: Entry[];
  /** Where the session is kept; without storage, in memory for a second connection of this page. */
  readonly session: SessionStore;
  #open: boolean;
  #unread: number;
  /** Entries that storage has room for, as far as known. */
  #kept = maxEntries;
  readonly #storage: TabStorage | undefined;
  readonly #name: string;

  /** That of this name as it is stored now. What is not stored nobody else can have changed: `former`, if it has the name. */
  static of(storage: TabStorage | undefined, name: string, former: Transcript | undefined): Transcript {
    const isSame = former !== undefined && former.#name === nameOf(name) && !storage && !former.#storage;
    return isSame ? former : new Transcript(storage, name);
  }

  /** `name` says whose it is: embedding origin, gateway, key, id of the element if it has one. */
  constructor(storage: TabStorage | undefined, name: string) {
    this.#storage = storage;
    this.#name = nameOf(name);
    const saved = this.#read();
    this.entries = saved.entries;
    this.#open = saved.open;
    this.#unread = saved.unread;
    this.session = this.#sessionStore(`${this.#name}:session`);
  }

  get open(): boolean {
    return this.#open;
  }
  set open(open: boolean) {
    this.#open = open;
    this.save();
  }

  get unread(): number {
    return this.#unread;
  }
  set unread(count: number) {
    this.#unread = count;
    this.save();
  }

  /** Adds an entry; gives those that had to go. */
  add(entry: Entry): Entry[] {
    this.entries.push(entry);
    const gone = this.entries.splice(0, Math.max(0, this.entries.length - maxEntries));
    this.save();
    return gone;
  }

  remove(entry: Entry): void {
    const at = this.entries.indexOf(entry);
    if (at >= 0) this.entries.splice(at, 1);
    this.save();
  }

  /** After an entry changed. Older entries are left out when the browser has no room for all. */
  save(): void {
    for (let from = Math.max(0, this.entries.length - this.#kept); ; ) {
      const entries = this.entries.slice(from);
      if (this.#write(this.#name, JSON.stringify({ entries, open: this.#open, unread: this.#unread } satisfies Saved)) || entries.length === 0) return;
      from += Math.ceil(entries.length / 2);
    }
  }

  /** Leaves the newer half in storage; all stay on the page. Gives how many that are. */
  #forgetHalf(): number {
    this.#kept = Math.floor(Math.min(this.#kept, this.entries.length) / 2);
    this.save();
    return this.#kept;
  }

  #sessionStore(name: string): SessionStore {
    let text = this.#storage?.getItem(name) ?? null;
    return {
      load: () => text,
      save: (now) => {
        text = now;
        if (now === null) this.#storage?.removeItem(name);
        // An old token is worth nothing, old texts are: they make room.
        else for (let kept = this.entries.length; !this.#write(name, now) && kept > 0; kept = this.#forgetHalf());
      },
    };
  }

  #write(name: string, text: string): boolean {
    try {
      this.#storage?.setItem(name, text);
      return true;
    } catch {
      return false;
    }
  }

  #read(): Saved {
    const none: Saved = { entries: [], open: false, unread: 0 };
    try {
      const saved = JSON.parse(this.#storage?.getItem(this.#name) ?? "null") as Partial<Saved> | null;
      if (!saved || !Array.isArray(saved.entries)) return none;
      return { entries: saved.entries.filter(isEntry), open: saved.open === true, unread: Number(saved.unread) || 0 };
    } catch {
      return none;
    }
  }
}

const nameOf = (name: string): string => `ownwire:${name}`;
const states: ReadonlySet<DeliveryStatus> = new Set(["queued", "sent", "delivered", "failed"]);

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null;
  return typeof entry?.text === "string" && (entry.from === "user" || entry.from === "backend") && Number.isFinite(entry.at_ms) &&
    states.has(entry.state as DeliveryStatus);
}
