// A peer that is addressed by its public key: registered with registries, in conversation with its contacts.
// Layer rendezvous. What applications call; keeps nothing. Source: SECURE_WEBSOCKET.

import { quietly, randomBytes, systemClock, type Clock } from "../base/index.js";
import { Contacts, OpenInvitations, type Contact, type Identity, type Invitation, type PublicKey } from "../identity/index.js";
import { handStream, type ChannelOptions } from "./channel.js";
import { checkSocketOptions } from "./check_options.js";
import { RendezvousError } from "./error.js";
import type { ClientFrame } from "./frames.js";
import { Guests } from "./guests.js";
import { channelIdleMs, instanceBytes, registrationTimeoutMs } from "./limits.js";
import { HandshakePlaces } from "./joining.js";
import { keyOf, keysOf } from "./names.js";
import type { ContactName, ReceivedMessage, SecureSocketEvent, SecureSocketOptions } from "./options.js";
import { abortable, type HostedPeer, type IncomingFrame, type PeerHost, type PeerSession } from "./peer_host.js";
import { PeerLink } from "./peer_link.js";
import type { LinkId, PeerState } from "./peer_machine.js";
import { Questions } from "./questions.js";
import type { CallFrame } from "./registration_machine.js";
import { channelOptions, checkRegistryUrl, dialOptions } from "./registry_connection.js";
import { RegistryLink, type RegistryState } from "./registry_link.js";
import { Watched } from "./watched.js";

interface Registry {
  readonly link: RegistryLink;
  readonly keys: readonly PublicKey[];
  readonly channel: ChannelOptions;
  readonly watched: Watched;
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
  readonly #listeners = new Set<(message: ReceivedMessage) => boolean | void>();
  readonly #stateListeners = new Set<(event: SecureSocketEvent) => void>();
  readonly #questions: Questions;
  readonly #guests: Guests;
  #isClosed = false;

  private constructor(options: SecureSocketOptions) {
    const { owner, all } = checkSocketOptions(options);
    const { contacts, calls = {}, reconnect = {}, connect = {}, transport = "sealed", replace = false, registrationTimeoutMs: timeoutMs = registrationTimeoutMs } = options;
    this.identity = owner;
    this.contacts = contacts ?? new Contacts(owner);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const onUsed = (key: PublicKey, note: string) => queueMicrotask(() => this.#tell({ type: "invitation_used", key, note }));
    this.#guests = new Guests(this.contacts, options.invitations ?? new OpenInvitations(), () => this.#clock.unixSeconds(), onUsed);
    this.#questions = new Questions({
      contacts: this.contacts,
      nowMs: () => this.#clock.monoMs(),
      answer: (registry, frame) => {
        if (this.#contactOf(frame.from) !== undefined) this.#peer(frame.from).incoming({ registry, callId: frame.callId, frame, invitation: undefined, guest: undefined });
      },
      added: () => this.refreshContacts(),
      decline: (number, callId) => this.#say(number, { type: "decline", callId }),
    });
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
      });
      return { link, keys, channel: channelOptions(connect, checked, this.#clock), watched: new Watched(), rid: 0, calls: new Map() };
    });
    const places = new HandshakePlaces();
    this.#host = {
      identity: owner,
      clock: this.#clock,
      calls,
      channelIdleMs: options.channelIdleMs ?? channelIdleMs,
      channelOptions: (registry) => (this.#registries[registry] as Registry).channel,
      contactOf: (key, guest) => this.#contactOf(key, guest),
      attach: (work) => places.run(work),
      say: (registry, frame) => this.#say(registry, frame),
      nextRid: (number, peer, link) => {
        const registry = this.#registries[number] as Registry;
        registry.calls.set(++registry.rid, { peer, link });
        return registry.rid;
      },
      invitationFor: (peer) => this.#guests.carried(peer),
      onMessage: (from, message, sentAtMs) => this.#deliver({ type: "MESSAGE", from, message, sentAtMs }),
      onState: (peer, state, error) => this.#tell({ type: "channel", key: peer.publicKey, state, error }),
      onJoined: (peer, note, isCaller, guest) => this.#joined(peer.publicKey, note, isCaller, guest),
      onJoinFailed: (peer, note, isCaller, error) => this.#joinFailed(peer.publicKey, note, isCaller, error),
      onRefused: (peer, note, code) => {
        if (code === "recipient_unavailable" && note === undefined) this.#guests.refused(peer.publicKey);
      },
      takeStream: (from, kind, stream) => {
        const { onStream = () => stream.reset() } = this.#options;
        handStream(stream, () => onStream(from, kind, stream));
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
    const unknownKeys = new Map<string, number>();
    const stop = client.onState((event) => {
      if (event.type !== "registry") return;
      if (event.state === "registered") waiting.resolve();
      if (event.error === undefined) return;
      const { keys } = client.#registries.find(({ link }) => link.url === event.url) as Registry;
      const tried = event.error.code === "unknown_registry_key" && event.state === "connecting" ? (unknownKeys.get(event.url) ?? 0) + 1 : keys.length;
      unknownKeys.set(event.url, tried);
      if (tried < keys.length) return; // the next pinned key may do
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

  /** Told every message, behind onMessage; one that throws, or returns false, does not take it. Returns what ends that. */
  onReceived(listener: (message: ReceivedMessage) => boolean | void): () => void {
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
      if (this.#contactOf(peer.publicKey) !== undefined || this.#guests.isArriving(peer.publicKey)) continue;
      this.#peers.delete(text);
      void peer.close("unknown_contact");
    }
  }

  /**
   * A link's content to give away: whoever comes with it within 24 hours, once, becomes a contact, of this name or one like it. Kept in
   * `invitations`, which exportIdentityText() and writeIdentityFile() take. Throws IdentityError too_many beyond 64 open ones, bad_name.
   */
  async invite(name?: string): Promise<Invitation> {
    const { link, keys } = this.#registries.find((each) => each.link.state === "registered") ?? (this.#registries[0] as Registry);
    return this.#guests.invite(link.url, keys[0] as PublicKey, name);
  }

  /** Those that were given away and are open: for the identity file. */
  get invitations(): OpenInvitations {
    return this.#guests.invitations;
  }

  /**
   * Uses an invitation that we were given: its host becomes a contact of this name, verified, and calls to it carry the secret until one has come through.
   * Its registry must be one of ours: else RendezvousError unpinned_registry. Throws IdentityError, as Contacts.add().
   */
  async useInvitation(invitation: Invitation, name: string): Promise<Contact> {
    const { registryUrl, registryKey, hostKey } = invitation;
    const { url } = checkRegistryUrl(registryUrl);
    const registry = this.#registries.find(({ link }) => link.url === url);
    if (registry?.keys.some((key) => key.equals(registryKey)) !== true) throw new RendezvousError("unpinned_registry");
    const contact = this.contacts.get(hostKey) ?? (await this.contacts.add(hostKey, name, { verified: true }));
    await this.#guests.use(invitation);
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

  #contactOf(key: PublicKey, guest?: Contact): Contact | undefined {
    const contact = this.contacts.get(key) ?? guest;
    return contact?.policy === "allow" ? contact : undefined;
  }

  #say(number: number, frame: ClientFrame): void {
    const { link, calls } = this.#registries[number] as Registry;
    if (frame.type === "cancel") calls.delete(frame.rid);
    link.send(frame);
  }

  #peerFor(contact: ContactName): PeerLink {
    if (this.#isClosed) throw new RendezvousError("closed");
    const key = keyOf(contact);
    if (this.#contactOf(key) === undefined) throw new RendezvousError("unknown_contact");
    const peer = this.#peer(key);
    if (peer.state !== "open" && this.#isHopeless) throw new RendezvousError("no_registry");
    return peer;
  }

  #peer(key: PublicKey): PeerLink {
    let peer = this.#peers.get(key.text);
    if (peer !== undefined) return peer;
    this.#peers.set(key.text, (peer = new PeerLink(this.#host, key)));
    peer.available(this.#registered(), this.#isHopeless);
    return peer;
  }

  /** No registry is there, and none is tried any more. */
  get #isHopeless(): boolean {
    return this.#registries.every(({ link: { state } }) => state === "failed" || state === "closed");
  }

  #registered(): number[] {
    return this.#registries.flatMap(({ link }, number) => (link.state === "registered" ? [number] : []));
  }

  #registryState(number: number, state: RegistryState, error: RendezvousError | undefined): void {
    const { link, calls, watched } = this.#registries[number] as Registry;
    if (state === "registered") this.#watch(number);
    else {
      calls.clear();
      watched.clear();
      this.#questions.gone(number);
    }
    const registered = this.#registered();
    for (const peer of this.#peers.values()) peer.available(registered, this.#isHopeless);
    this.#tell({ type: "registry", url: link.url, state, error });
    if (this.#isHopeless && error !== undefined && !this.#isClosed) quietly(() => this.#options.onMessage?.(error));
  }

  #watch(number: number): void {
    const { link, watched } = this.#registries[number] as Registry;
    if (this.#options.watchContacts === false || link.state !== "registered") return;
    for (const frame of watched.update(this.contacts.list())) link.send(frame);
  }

  async #said(number: number, frame: CallFrame): Promise<void> {
    const { calls, watched } = this.#registries[number] as Registry;
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
        this.#questions.cancelled(number, frame.callId);
        for (const peer of this.#peers.values()) peer.cancelled({ registry: number, callId: frame.callId });
        return;
      case "presence":
        if (this.#contactOf(frame.key) === undefined || !watched.has(frame.key)) return;
        this.#peer(frame.key).presence(number, frame.online);
        return this.#tell({ type: "presence", key: frame.key, online: frame.online });
      case "incoming":
        return this.#incoming(number, frame);
    }
  }

  /** Unknown callers are not answered, unless they were invited, or the application wants to be asked; blocked ones never. */
  async #incoming(registry: number, frame: IncomingFrame): Promise<void> {
    const { from, note, callId } = frame;
    if (from.equals(this.publicKey) || this.#isClosed) return;
    const isKnown = this.contacts.get(from) !== undefined;
    const invitation = this.#guests.secretOf(note);
    if (!isKnown && invitation === undefined) {
      const { onIncoming } = this.#options;
      return onIncoming && this.#questions.ask(registry, (this.#registries[registry] as Registry).link.url, frame, onIncoming);
    }
    const guest = isKnown ? undefined : await this.#guests.arrive(from);
    if (this.#isClosed || this.#contactOf(from, guest) === undefined) return;
    this.#peer(from).incoming({ registry, callId, frame, invitation, guest });
  }

  #joined(key: PublicKey, note: string | undefined, isCaller: boolean, guest: Contact | undefined): void {
    const contact = this.#guests.joined(key, note, isCaller, guest);
    if (contact === undefined) return;
    queueMicrotask(() => {
      this.refreshContacts();
      this.#tell({ type: "guest", contact });
    });
  }

  #joinFailed(key: PublicKey, note: string | undefined, isCaller: boolean, error: unknown): void {
    this.#guests.failed(key, note, isCaller);
    this.#tell({ type: "call_failed", key, error });
    // Nothing stays of whoever came with a link and without its secret.
    queueMicrotask(() => {
      const peer = this.#peers.get(key.text);
      if (this.contacts.get(key) !== undefined || peer?.state !== "closed") return;
      this.#peers.delete(key.text);
      void peer.close("unknown_contact");
    });
  }

  /** Whether the application has it: onMessage returned, or, where there is none, somebody else took it. */
  #deliver(message: ReceivedMessage): boolean {
    const { onMessage } = this.#options;
    const takes = (take: () => unknown, mayRefuse: boolean): boolean => {
      let isTaken = false;
      quietly(() => {
        const answer = take();
        isTaken = !mayRefuse || answer !== false;
        return answer;
      });
      return isTaken;
    };
    if (onMessage !== undefined && !takes(() => onMessage(null, message), false)) return false;
    const taken = [...this.#listeners].filter((listener) => takes(() => listener(message), true));
    return onMessage !== undefined || taken.length > 0;
  }

  #tell(event: SecureSocketEvent): void {
    quietly(() => this.#options.onState?.(event));
    for (const listener of this.#stateListeners) quietly(() => listener(event));
  }
}
