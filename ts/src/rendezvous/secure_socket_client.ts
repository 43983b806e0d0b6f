// A peer that is addressed by its public key: registered with registries, in conversation with its contacts.
// Layer rendezvous. What applications call; keeps nothing. Source: SECURE_WEBSOCKET.

import { quietly, randomBytes, systemClock, type Clock } from "../base/index.js";
import {
  Contacts, invitationNote, isValidName, makeInvitation, OpenInvitations, type Contact, type Identity, type Invitation, type PublicKey,
} from "../identity/index.js";
import { checkSettings } from "../reconnect/settings.js";
import { RendezvousError } from "./error.js";
import type { ClientFrame } from "./frames.js";
import { channelIdleMs, instanceBytes, maxOpenQuestions, maxWatchedKeys, registrationTimeoutMs } from "./limits.js";
import { keyOf, keysOf } from "./names.js";
import type { ContactName, IncomingCall, ReceivedMessage, RegistryAddress, SecureSocketEvent, SecureSocketOptions } from "./options.js";
import { abortable, type HostedPeer, type IncomingFrame, type PeerHost, type PeerSession } from "./peer_host.js";
import { PeerLink } from "./peer_link.js";
import type { LinkId, PeerState } from "./peer_machine.js";
import type { CallFrame } from "./registration_machine.js";
import { checkRegistryUrl, dialOptions } from "./registry_connection.js";
import { RegistryLink, type RegistryState } from "./registry_link.js";

interface Registry {
  readonly link: RegistryLink;
  readonly keys: readonly PublicKey[];
  rid: number;
  readonly calls: Map<number, { readonly peer: HostedPeer; readonly link: LinkId }>;
}

/** A peer, registered and reachable until close(). */
export class SecureSocketClient {
  readonly identity: Identity;
  readonly contacts: Contacts;
  readonly #options: SecureSocketOptions;
  readonly #clock: Clock;
  readonly #registries: Registry[];
  readonly #peers = new Map<string, PeerLink>();
  readonly #host: PeerHost;
  readonly #listeners = new Set<(message: ReceivedMessage) => void>();
  readonly #stateListeners = new Set<(event: SecureSocketEvent) => void>();
  readonly #questions = new Map<string, { readonly registry: number; readonly frame: IncomingFrame }>();
  readonly #invitations = new OpenInvitations();
  /** Of links that were used: the guest may not have seen that its call came through. */
  readonly #redeemed = new Map<string, { readonly secret: Uint8Array; readonly key: PublicKey }>();
  /** By the host's key: links that we were given and have not used. */
  readonly #given = new Map<string, { readonly secret: Uint8Array; readonly note: string }>();
  /** Keys of contacts that are there only because somebody came with a link. */
  readonly #provisional = new Set<string>();
  #isClosed = false;

  private constructor(options: SecureSocketOptions) {
    const { url, registryKeys, registries = [], identity, contacts } = options;
    const owner = contacts?.owner ?? identity;
    if (owner === undefined || (identity !== undefined && identity !== owner)) throw new RendezvousError("invalid_option", "identity, or the contacts of one");
    const all = url === undefined ? registries : [{ url, registryKeys: registryKeys ?? [] }, ...registries];
    if (all.length === 0) throw new RendezvousError("invalid_url", "a registry is needed");
    const { calls = {}, reconnect = {}, connect = {}, transport = "sealed", replace = false, registrationTimeoutMs: timeoutMs = registrationTimeoutMs } = options;
    if (!(timeoutMs > 0) || !((options.channelIdleMs ?? 1) > 0)) throw new RendezvousError("invalid_option", "times must be above 0");
    for (const settings of [calls, reconnect]) {
      try {
        checkSettings({ enabled: true, ...settings }, "refreshable");
      } catch (cause) {
        throw new RendezvousError("invalid_option", "reconnect, calls", { cause });
      }
    }
    this.identity = owner;
    this.contacts = contacts ?? new Contacts(owner);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const instance = randomBytes(instanceBytes);
    const seen = new Set<string>();
    this.#registries = all.map((address, number) => {
      const { url: checked, origin } = checkRegistryUrl(address.url);
      if (seen.has(checked)) throw new RendezvousError("invalid_url", "the same registry twice");
      seen.add(checked);
      const keys = keysOf(address.registryKeys);
      const dial = dialOptions(connect, origin);
      const link = new RegistryLink({ url: checked, pins: keys, transport, identity: owner, instance, replace, timeoutMs, reconnect, dial, clock: this.#clock }, {
        onState: (state, error) => this.#registryState(number, state, error),
        onCall: (frame) => void this.#said(number, frame),
        onFailure: () => {},
      });
      return { link, keys, rid: 0, calls: new Map() };
    });
    const [{ url: first }] = all as [RegistryAddress];
    this.#host = {
      identity: owner,
      clock: this.#clock,
      calls,
      channelIdleMs: options.channelIdleMs ?? channelIdleMs,
      channel: { ...dialOptions(connect, checkRegistryUrl(first).origin), clock: this.#clock },
      contactOf: (key) => this.#contactOf(key),
      say: (registry, frame) => this.#registries[registry]?.link.send(frame),
      nextRid: (number, peer, link) => {
        const registry = this.#registries[number] as Registry;
        registry.calls.set(++registry.rid, { peer, link });
        return registry.rid;
      },
      invitationFor: (peer) => this.#given.get(peer.text),
      onMessage: (from, message, sentAtMs) => this.#deliver({ type: "MESSAGE", from, message, sentAtMs }),
      onState: (peer, state, error) => this.#tell({ type: "channel", key: peer.publicKey, state, error }),
      onJoined: (peer, note, isCaller) => this.#joined(peer.publicKey, note, isCaller),
      onJoinFailed: (peer, note, error) => this.#joinFailed(peer.publicKey, note, error),
      takeStream: (from, kind, stream) => {
        const take = this.#options.onStream;
        if (take === undefined) stream.reset();
        else quietly(() => take(from, kind, stream));
      },
      routerFor: (from) => this.#options.routerFor?.(from),
    };
  }

  /**
   * Opens, registers, and resolves when the first registry has registered us. Rejects with the RendezvousError of the first attempts when all of
   * them failed, and with `aborted`; nothing is left open then. Later losses are got back; onState tells.
   */
  static async create(options: SecureSocketOptions): Promise<SecureSocketClient> {
    const client = new SecureSocketClient(options);
    const waiting = abortable<void>(options.signal, () => {});
    const failed = new Map<string, RendezvousError>();
    const stop = client.onState((event) => {
      if (event.type !== "registry") return;
      if (event.state === "registered") waiting.resolve();
      if (event.error === undefined) return;
      failed.set(event.url, event.error);
      if (failed.size === client.#registries.length) waiting.reject(failed.values().next().value);
    });
    try {
      if (!options.signal?.aborted) for (const { link } of client.#registries) link.start();
      await waiting.promise;
      return client;
    } catch (error) {
      await client.close();
      throw error;
    } finally {
      stop();
    }
  }

  /** Ours: what others call. */
  get publicKey(): PublicKey {
    return this.identity.publicKey;
  }

  /** Whether any registry has us. */
  get isRegistered(): boolean {
    return this.#registries.some(({ link }) => link.state === "registered");
  }

  /** Of the registry, by the URL that it was given with or how it is told. */
  registryState(url: string): RegistryState | undefined {
    const { url: checked } = checkRegistryUrl(url);
    return this.#registries.find(({ link }) => link.url === checked)?.link.state;
  }

  /** Of the channel to a contact. */
  channelState(contact: ContactName): PeerState {
    return this.#peers.get(keyOf(contact).text)?.state ?? "closed";
  }

  /** Messages to a contact that are not acknowledged. */
  pending(contact: ContactName): number {
    return this.#peers.get(keyOf(contact).text)?.pending ?? 0;
  }

  /**
   * Sends any JSON value. Resolves when the contact's application was given it. Rejects with RendezvousError: unknown_contact, queue_full,
   * message_too_large, message_not_json, closed, aborted; what a registry said, most often recipient_unavailable; channel_failed, channel_lost. It may have arrived all the
   * same, if its acknowledgement was lost.
   */
  async send(contact: ContactName, content: unknown, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const peer = this.#peerFor(contact);
    let text: string | undefined;
    try {
      text = JSON.stringify(content) as string | undefined;
    } catch (cause) {
      throw new RendezvousError("message_not_json", undefined, { cause });
    }
    if (text === undefined) throw new RendezvousError("message_not_json");
    return peer.send(text, options.signal);
  }

  /** The session with a contact, opened when there is none: for streams and calls of the application's own. Rejects as send(). */
  async open(contact: ContactName, options: { signal?: AbortSignal | undefined } = {}): Promise<PeerSession> {
    return this.#peerFor(contact).open(options.signal);
  }

  /** Told every message, beside onMessage. Returns what ends that. */
  onReceived(listener: (message: ReceivedMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Told every event, beside the option of that name. Returns what ends that. */
  onState(listener: (event: SecureSocketEvent) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Tries registries again that failed. */
  retry(): void {
    if (this.#isClosed) return;
    for (const { link } of this.#registries) if (link.state === "failed") link.start();
  }

  /** Tells registries of contacts that were added, removed or blocked since. */
  refreshContacts(): void {
    this.#registries.forEach((_, number) => this.#watch(number));
    for (const [text, peer] of this.#peers) {
      if (this.#contactOf(peer.publicKey) !== undefined) continue;
      this.#peers.delete(text);
      void peer.close("unknown_contact");
    }
  }

  /** A link's content to give away: whoever comes with it within 24 hours, once, becomes a contact. Throws IdentityError too_many. */
  async invite(): Promise<Invitation> {
    const { link, keys } = this.#registries.find((each) => each.link.state === "registered") ?? (this.#registries[0] as Registry);
    const invitation = makeInvitation(link.url, keys[0] as PublicKey, this.publicKey);
    await this.#invitations.add(invitation, this.#clock.unixSeconds());
    return invitation;
  }

  /**
   * Uses an invitation that we were given: its host becomes a contact of this name, verified, and calls to it carry the secret until one has come through.
   * Its registry must be one of ours: else RendezvousError unpinned_registry. Throws IdentityError, as Contacts.add().
   */
  async useInvitation({ registryUrl, registryKey, hostKey, secret }: Invitation, name: string): Promise<Contact> {
    const { url } = checkRegistryUrl(registryUrl);
    const registry = this.#registries.find(({ link }) => link.url === url);
    if (registry?.keys.some((key) => key.equals(registryKey)) !== true) throw new RendezvousError("unpinned_registry");
    const contact = this.contacts.get(hostKey) ?? (await this.contacts.add(hostKey, name, { verified: true }));
    this.#given.set(hostKey.text, { secret: Uint8Array.from(secret), note: await invitationNote(secret) });
    this.refreshContacts();
    return contact;
  }

  /** Says bye on every channel and closes them, then leaves the registries. What was not acknowledged rejects with `closed`. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#peers.values()].map((peer) => peer.close("closed")));
    this.#peers.clear();
    for (const { link } of this.#registries) link.close();
  }

  #contactOf(key: PublicKey): Contact | undefined {
    const contact = this.contacts.get(key);
    return contact?.policy === "allow" ? contact : undefined;
  }

  #peerFor(contact: ContactName): PeerLink {
    if (this.#isClosed) throw new RendezvousError("closed");
    const key = keyOf(contact);
    if (this.#contactOf(key) === undefined) throw new RendezvousError("unknown_contact");
    const peer = this.#peer(key);
    const states = this.#registries.map(({ link }) => link.state);
    if (peer.state !== "open" && states.every((state) => state === "failed" || state === "closed")) throw new RendezvousError("no_registry");
    return peer;
  }

  #peer(key: PublicKey): PeerLink {
    let peer = this.#peers.get(key.text);
    if (peer !== undefined) return peer;
    this.#peers.set(key.text, (peer = new PeerLink(this.#host, key)));
    peer.available(this.#registered());
    return peer;
  }

  #registered(): number[] {
    return this.#registries.flatMap(({ link }, number) => (link.state === "registered" ? [number] : []));
  }

  #registryState(number: number, state: RegistryState, error: RendezvousError | undefined): void {
    const { link, calls } = this.#registries[number] as Registry;
    if (state === "registered") this.#watch(number);
    else {
      calls.clear();
      for (const [id, question] of this.#questions) if (question.registry === number) this.#questions.delete(id);
    }
    const registered = this.#registered();
    for (const peer of this.#peers.values()) peer.available(registered);
    this.#tell({ type: "registry", url: link.url, state, error });
    const isOver = this.#registries.every((each) => each.link.state === "failed");
    if (!isOver || error === undefined || this.#isClosed) return;
    for (const peer of this.#peers.values()) peer.giveUp("no_registry");
    quietly(() => this.#options.onMessage?.(error));
  }

  #watch(number: number): void {
    if (this.#options.watchContacts === false) return;
    const keys = this.contacts.list().filter(({ policy }) => policy === "allow").map(({ publicKey }) => publicKey).slice(0, maxWatchedKeys);
    if (keys.length > 0) this.#registries[number]?.link.send({ type: "watch", keys });
  }

  async #said(number: number, frame: CallFrame): Promise<void> {
    const { calls } = this.#registries[number] as Registry;
    switch (frame.type) {
      case "grant": {
        const call = calls.get(frame.rid);
        calls.delete(frame.rid);
        return call?.peer.granted(call.link, number, frame.eph, frame.ticket);
      }
      case "error": {
        const call = frame.rid === undefined ? undefined : calls.get(frame.rid);
        if (frame.rid !== undefined) calls.delete(frame.rid);
        return call?.peer.refused(call.link, number, frame.code);
      }
      case "cancelled":
        this.#questions.delete(`${number}:${frame.callId}`);
        for (const peer of this.#peers.values()) peer.cancelled({ registry: number, callId: frame.callId });
        return;
      case "presence":
        if (this.#contactOf(frame.key) === undefined) return;
        this.#peer(frame.key).presence(frame.online);
        return this.#tell({ type: "presence", key: frame.key, online: frame.online });
      case "incoming":
        return this.#incoming(number, frame);
    }
  }

  /** Unknown callers are not answered, unless they were invited, or the application wants to be asked; blocked ones never. */
  async #incoming(registry: number, frame: IncomingFrame): Promise<void> {
    const { from, note } = frame;
    if (from.equals(this.publicKey) || this.#isClosed) return;
    const known = this.contacts.get(from);
    const secret = this.#secretOf(note, from);
    if (known === undefined && secret !== undefined) {
      const [name] = [`guest-${from.shortText}`, `guest-${from.text}`].filter((each) => this.contacts.find(each) === undefined && isValidName(each));
      try {
        this.#provisional.add(from.text);
        await this.contacts.add(from, name ?? from.text, { verified: true });
      } catch {
        return void this.#provisional.delete(from.text);
      }
    }
    if (this.#contactOf(from) !== undefined) return this.#peer(from).incoming({ registry, callId: frame.callId, frame, invitation: secret });
    if (known === undefined) this.#ask(registry, frame);
  }

  #ask(registry: number, frame: IncomingFrame): void {
    const { onIncoming } = this.#options;
    const id = `${registry}:${frame.callId}`;
    if (onIncoming === undefined || this.#questions.size >= maxOpenQuestions) return;
    this.#questions.set(id, { registry, frame });
    const { from, note, callId } = frame;
    const { link } = this.#registries[registry] as Registry;
    const call: IncomingCall = {
      from, note, registryUrl: link.url,
      accept: async (name) => {
        const contact = this.contacts.get(from) ?? (await this.contacts.add(from, name));
        if (this.#questions.delete(id)) this.#peer(from).incoming({ registry, callId, frame, invitation: undefined });
        this.refreshContacts();
        return contact;
      },
      decline: () => {
        if (this.#questions.delete(id)) link.send({ type: "decline", callId } satisfies ClientFrame);
      },
    };
    quietly(() => onIncoming(call));
  }

  #secretOf(note: string | undefined, from: PublicKey): Uint8Array | undefined {
    if (note === undefined) return undefined;
    const redeemed = this.#redeemed.get(note);
    if (redeemed !== undefined) return redeemed.key.equals(from) ? redeemed.secret : undefined;
    return this.#invitations.find(note, this.#clock.unixSeconds());
  }

  #joined(key: PublicKey, note: string | undefined, isCaller: boolean): void {
    if (isCaller) {
      if (note !== undefined && this.#given.get(key.text)?.note === note) this.#given.delete(key.text);
      return;
    }
    const secret = note === undefined ? undefined : this.#invitations.find(note, this.#clock.unixSeconds());
    if (note === undefined || secret === undefined) return;
    this.#redeemed.set(note, { secret: Uint8Array.from(secret), key });
    this.#invitations.consume(note);
    this.#provisional.delete(key.text);
    const contact = this.contacts.get(key);
    if (contact !== undefined) this.#tell({ type: "guest", contact });
    this.refreshContacts();
  }

  #joinFailed(key: PublicKey, note: string | undefined, error: unknown): void {
    this.#tell({ type: "call_failed", key, error });
    // Whoever came with a link and without its secret is forgotten again.
    if (note === undefined || !this.#provisional.delete(key.text)) return;
    this.contacts.remove(key);
    queueMicrotask(() => this.refreshContacts());
  }

  #deliver(message: ReceivedMessage): void {
    quietly(() => this.#options.onMessage?.(null, message));
    for (const listener of this.#listeners) quietly(() => listener(message));
  }

  #tell(event: SecureSocketEvent): void {
    quietly(() => this.#options.onState?.(event));
    for (const listener of this.#stateListeners) quietly(() => listener(event));
  }
}
