// What the chat page shows, without the page: contacts, conversations, what became of each text.
// Layer chat. No DOM. Text of others goes through displayText() on its way to the view. Source: SECURE_WEBSOCKET, "Chat".

import { displayText } from "../base/index.js";
import { IdentityError, pairFingerprint, parseAddress, type Contact, type Contacts, type PublicKey } from "../identity/index.js";
import type { ContactName, IncomingCall, ReceivedMessage, SecureSocketEvent } from "../rendezvous/options.js";

/** Texts of one conversation that are kept; the oldest go first. */
export const maxEntries = 500;
/** Characters of one message that are shown. */
export const maxShownCharacters = 16_384;
/** Calls of strangers that are shown at once. */
export const maxStrangers = 8;

export type Delivery = "sending" | "delivered" | "failed";

/** One line of a conversation. */
export interface Entry {
  readonly id: number;
  readonly mine: boolean;
  /** Fit to be shown. */
  readonly text: string;
  readonly state?: Delivery;
  /** Why it failed: a code. */
  readonly why?: string;
}

/** A contact as the page shows it. */
export interface Person {
  readonly key: string;
  readonly name: string;
  readonly verified: boolean;
  readonly blocked: boolean;
  readonly online: boolean;
  readonly channel: string;
  readonly unread: number;
  readonly fingerprint: string;
}

/** A name that came with another key than before. */
export interface KeyWarning {
  readonly name: string;
  readonly knownKey: string;
  readonly offered: PublicKey;
  readonly fingerprint: string;
}

/** The part of SecureSocketClient that the page uses. */
export interface ChatClient {
  send(contact: ContactName, content: unknown): Promise<void>;
  refreshContacts(): void;
}

interface Conversation {
  entries: Entry[];
  /** What is to be sent again, by id. */
  readonly failed: Map<number, string>;
  unread: number;
  online: boolean;
  channel: string;
}

export class ChatModel {
  #client: ChatClient | undefined;
  readonly #conversations = new Map<string, Conversation>();
  readonly #fingerprints = new Map<string, string>();
  readonly #strangers = new Map<string, IncomingCall>();
  readonly #registries = new Map<string, { state: string; why: string | undefined }>();
  #lastId = 0;
  #chosen: string | undefined;
  warning: KeyWarning | undefined;

  constructor(
    readonly contacts: Contacts,
    /** Something is to be shown anew; `said` is for screen readers. */
    private readonly changed: (said?: string) => void,
  ) {}

  connect(client: ChatClient | undefined): void {
    this.#client = client;
    this.changed();
  }

  people(): Person[] {
    return this.contacts.list().map((contact) => this.#person(contact));
  }

  get chosen(): Person | undefined {
    const contact = this.#contact(this.#chosen);
    return contact && this.#person(contact);
  }

  entries(): readonly Entry[] {
    return this.#chosen === undefined ? [] : this.#of(this.#chosen).entries;
  }

  registries(): { url: string; state: string; why: string | undefined }[] {
    return [...this.#registries].map(([url, { state, why }]) => ({ url: displayText(url), state, why }));
  }

  strangers(): { key: string; note: string }[] {
    return [...this.#strangers].map(([key, { note }]) => ({ key, note: displayText(note ?? "") }));
  }

  choose(key: string): void {
    if (this.#contact(key) === undefined) return;
    this.#chosen = key;
    this.#of(key).unread = 0;
    this.changed();
  }

  /** Adds a contact by key or address, or warns when the name is known with another key. Throws IdentityError. */
  async add(name: string, address: string): Promise<void> {
    const { key } = parseAddress(address.trim());
    if (this.contacts.check(key, name) === "key_changed") return this.#warn(name, key);
    await this.contacts.add(key, name);
    await this.#arrived(key);
  }

  /** Takes the key that was warned of. Throws IdentityError. */
  async replaceKey(): Promise<void> {
    const { warning } = this;
    if (warning === undefined) return;
    const old = this.contacts.find(warning.name)?.publicKey.text;
    await this.contacts.replaceKey(warning.name, warning.offered);
    if (old !== undefined) this.#conversations.delete(old);
    this.warning = undefined;
    await this.#arrived(warning.offered);
  }

  keepKey(): void {
    this.warning = undefined;
    this.changed();
  }

  setVerified(key: string, verified: boolean): void {
    this.#edit(key, (contact) => this.contacts.setVerified(contact.publicKey, verified));
  }

  setBlocked(key: string, blocked: boolean): void {
    this.#edit(key, (contact) => this.contacts.setPolicy(contact.publicKey, blocked ? "block" : "allow"));
  }

  remove(key: string): void {
    this.#edit(key, (contact) => this.contacts.remove(contact.publicKey));
    this.#conversations.delete(key);
    if (this.#chosen === key) this.#chosen = undefined;
    this.changed();
  }

  /** Lets a stranger in, under this name. Throws IdentityError. */
  async letIn(key: string, name: string): Promise<void> {
    const call = this.#strangers.get(key);
    if (call === undefined) return;
    if (this.contacts.check(call.from, name) === "key_changed") return this.#warn(name, call.from);
    await call.accept(name);
    await this.#arrived(call.from);
  }

  /** Somebody is a contact now, by way of this page or of the client. */
  async #arrived(key: PublicKey): Promise<void> {
    this.#strangers.delete(key.text);
    await this.learn();
    this.#client?.refreshContacts();
    this.choose(key.text);
  }

  /** Computes the fingerprints that are missing. */
  async learn(): Promise<void> {
    for (const { publicKey } of this.contacts.list()) {
      if (!this.#fingerprints.has(publicKey.text)) {
        this.#fingerprints.set(publicKey.text, await pairFingerprint(this.contacts.owner.publicKey, publicKey));
      }
    }
    this.changed();
  }

  send(text: string): void {
    const key = this.#chosen;
    if (key === undefined || text.trim() === "") return;
    const id = ++this.#lastId;
    this.#append(key, { id, mine: true, text: shown(text), state: "sending" });
    void this.#deliver(key, id, text);
  }

  retry(id: number): void {
    const key = this.#chosen;
    const text = key === undefined ? undefined : this.#of(key).failed.get(id);
    if (key === undefined || text === undefined) return;
    this.#settle(key, id, { state: "sending" });
    void this.#deliver(key, id, text);
  }

  received({ from, message }: ReceivedMessage): void {
    const key = from.publicKey.text;
    const text = shown(typeof message === "string" ? message : JSON.stringify(message));
    this.#append(key, { id: ++this.#lastId, mine: false, text }, `${displayText(from.name)}: ${text}`);
    if (key === this.#chosen) return;
    this.#of(key).unread++;
    this.changed();
  }

  incoming(call: IncomingCall): void {
    const { text } = call.from;
    if (!this.#strangers.has(text) && this.#strangers.size >= maxStrangers) return;
    this.#strangers.set(text, call);
    this.changed(`Somebody who is no contact calls: ${text.slice(0, 8)}`);
  }

  event(event: SecureSocketEvent): void {
    switch (event.type) {
      case "registry":
        this.#registries.set(event.url, { state: event.state, why: event.error?.code });
        return this.changed(`Registry: ${event.state}`);
      case "channel":
        if (this.contacts.get(event.key) !== undefined) this.#of(event.key.text).channel = event.state;
        return this.changed();
      case "presence":
        if (this.contacts.get(event.key) !== undefined) this.#of(event.key.text).online = event.online;
        return this.changed();
      case "guest":
        // Whoever is being written to stays chosen.
        void this.learn().then(() => this.#chosen === undefined && this.choose(event.contact.publicKey.text));
        return this.changed(`${displayText(event.contact.name)} came in with your invitation`);
      case "invitation_used":
        return this.changed(`${displayText(this.contacts.get(event.key)?.name ?? "Somebody")} used up an invitation of yours`);
      case "call_failed":
        return this.changed(`A call in the name of ${this.contacts.get(event.key)?.name ?? "a contact"} came to nothing`);
    }
  }

  async #deliver(key: string, id: number, text: string): Promise<void> {
    const contact = this.#contact(key);
    try {
      if (this.#client === undefined) throw new IdentityError("destroyed", "not connected");
      if (contact === undefined) throw new IdentityError("unknown_contact");
      await this.#client.send(contact, text);
      this.#of(key).failed.delete(id);
      this.#settle(key, id, { state: "delivered" }, "Delivered");
    } catch (error) {
      if (!this.#conversations.has(key)) return; // removed meanwhile
      this.#of(key).failed.set(id, text);
      const why = this.#client === undefined ? "not_connected" : String((error as { code?: unknown }).code ?? "failed");
      this.#settle(key, id, { state: "failed", why }, `Not delivered: ${why}`);
    }
  }

  async #warn(name: string, offered: PublicKey): Promise<void> {
    const knownKey = this.contacts.find(name)?.publicKey.text ?? "";
    this.warning = { name, knownKey, offered, fingerprint: await pairFingerprint(this.contacts.owner.publicKey, offered) };
    this.changed();
  }

  #edit(key: string, change: (contact: Contact) => void): void {
    const contact = this.#contact(key);
    if (contact === undefined) return;
    change(contact);
    this.#client?.refreshContacts();
    this.changed();
  }

  #contact(key: string | undefined): Contact | undefined {
    return this.contacts.list().find(({ publicKey }) => publicKey.text === key);
  }

  #of(key: string): Conversation {
    let found = this.#conversations.get(key);
    if (found === undefined) this.#conversations.set(key, (found = { entries: [], failed: new Map(), unread: 0, online: false, channel: "closed" }));
    return found;
  }

  #append(key: string, entry: Entry, said?: string): void {
    const conversation = this.#of(key);
    const entries = [...conversation.entries, entry];
    for (const { id } of entries.slice(0, -maxEntries)) conversation.failed.delete(id);
    conversation.entries = entries.slice(-maxEntries);
    this.changed(said);
  }

  #settle(key: string, id: number, now: { state: Delivery; why?: string }, said?: string): void {
    const conversation = this.#conversations.get(key);
    if (conversation === undefined) return;
    conversation.entries = conversation.entries.map((entry) => (entry.id === id ? { id, mine: entry.mine, text: entry.text, ...now } : entry));
    this.changed(said);
  }

  #person({ publicKey, name, verified, policy }: Contact): Person {
    const { online, channel, unread } = this.#of(publicKey.text);
    return {
      key: publicKey.text, name: displayText(name), verified, blocked: policy === "block", online, channel, unread,
      fingerprint: this.#fingerprints.get(publicKey.text) ?? "",
    };
  }
}

function shown(text: string): string {
  const part = text.slice(0, maxShownCharacters);
  const rest = text.length - part.length;
  return displayText(part, "kept") + (rest > 0 ? `\n(${rest} characters more, not shown)` : "");
}
