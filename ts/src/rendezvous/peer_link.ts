// One contact of a client: carries out what its machines want, and keeps what they must not hold: keys, channels, promises.
// Layer rendezvous. Source: SECURE_WEBSOCKET, "Calls", "Messages".

import { encodeBase64url, randomBytes, wipe, type Deferred } from "../base/index.js";
import { EphemeralKey, type Contact, type PublicKey } from "../identity/index.js";
import { rpcKind } from "../session/client.js";
import type { YamuxStream } from "../yamux/index.js";
import { Alarm } from "./alarm.js";
import { serveRpc, type Channel } from "./channel.js";
import { Conversation } from "./conversation.js";
import { RendezvousError, type RendezvousErrorCode } from "./error.js";
import { FrameStream } from "./frame_stream.js";
import { answerCall, joinCall } from "./joining.js";
import { conversationBytes, helloTimeoutMs, maxMessageFrameBytes, maxQueuedMessageBytes, messagesStreamKind } from "./limits.js";
import { abortable, sessionOf, type HostedPeer, type IncomingOffer, type Link, type PeerHost, type PeerSession } from "./peer_host.js";
import { PeerMachine, type LinkId, type Loss, type Offer, type PeerIntent, type PeerState } from "./peer_machine.js";
import type { ChannelTicket } from "./ticket.js";

export class PeerLink implements HostedPeer {
  private readonly machine: PeerMachine;
  private readonly conversation = new Conversation(encodeBase64url(randomBytes(conversationBytes)));
  private readonly links = new Map<LinkId, Link>();
  private readonly sends = new Map<number, Deferred<void>>();
  private readonly opens: Deferred<PeerSession>[] = [];
  private handedOut = 0;
  private current: LinkId | undefined;
  private usedAtMs = 0;
  /** Until when the channel must have its stream of messages. */
  private streamByMs: number | undefined;
  private lastError: RendezvousError | undefined;
  /** Channels that we have said bye on. */
  private leaving: Promise<void> = Promise.resolve();
  private readonly alarm: Alarm;
  private isPerforming = false;

  constructor(
    private readonly host: PeerHost,
    readonly publicKey: PublicKey,
  ) {
    this.machine = new PeerMachine(PeerMachine.winsGlare(host.identity.publicKey, publicKey), host.calls, Math.random);
    this.alarm = new Alarm(host.clock, (nowMs) => this.ring(nowMs));
  }

  get state(): PeerState {
    return this.machine.state;
  }

  get pending(): number {
    return this.conversation.pending;
  }

  /** Resolves when it is acknowledged. Throws what Conversation.send() throws. */
  send(content: string, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return abortable<void>(signal, () => {}).promise;
    const nowMs = this.host.clock.monoMs();
    const isFirst = this.pending === 0;
    const id = this.conversation.send(content, Date.now(), nowMs);
    const waiting = abortable<void>(signal, () => {
      this.sends.delete(id);
      this.conversation.drop(id);
    });
    this.sends.set(id, waiting);
    this.usedAtMs = nowMs;
    this.machine.need(nowMs, isFirst);
    this.perform();
    return waiting.promise;
  }

  open(signal: AbortSignal | undefined): Promise<PeerSession> {
    const session = signal?.aborted ? undefined : this.session();
    if (session !== undefined) return Promise.resolve(session);
    const waiting = abortable<PeerSession>(signal, () => {
      const at = this.opens.indexOf(waiting);
      if (at >= 0) this.opens.splice(at, 1);
    });
    if (signal?.aborted) return waiting.promise;
    this.opens.push(waiting);
    this.machine.need(this.host.clock.monoMs());
    this.perform();
    return waiting.promise;
  }

  available(registries: readonly number[], isHopeless = false): void {
    this.machine.available(registries, this.host.clock.monoMs(), isHopeless);
    this.perform();
  }

  presence(registry: number, online: boolean): void {
    this.machine.presence(registry, online, this.host.clock.monoMs());
    this.perform();
  }

  incoming(offer: IncomingOffer): void {
    this.machine.incoming(offer, this.host.clock.monoMs());
    this.perform();
  }

  cancelled(offer: Offer): void {
    this.machine.cancelled(offer);
    this.perform();
  }

  granted(link: LinkId, registry: number, eph: PublicKey, ticket: ChannelTicket): void {
    const found = this.links.get(link);
    if (found === undefined || found.granted !== undefined) return;
    found.granted = { registry, eph, ticket };
    this.machine.granted(link, registry);
    this.perform();
  }

  refused(link: LinkId, registry: number, code: RendezvousErrorCode): void {
    const found = this.links.get(link);
    if (found !== undefined) this.host.onRefused(this, found.note, code);
    this.machine.refused(link, registry, code, this.host.clock.monoMs());
    this.perform();
  }

  /** Says bye; nothing is left afterwards. */
  async close(code: RendezvousErrorCode): Promise<void> {
    this.detach();
    this.machine.close();
    this.perform();
    this.fail(code);
    this.alarm.set();
    await this.leaving;
  }

  private fail(code: RendezvousErrorCode): void {
    this.conversation.failAll(code);
    this.carryOutConversation();
    for (const waiting of this.opens.splice(0)) waiting.reject(this.errorOf(code));
  }

  private errorOf(code: RendezvousErrorCode): RendezvousError {
    return this.lastError?.code === code ? this.lastError : new RendezvousError(code);
  }

  /** Not re-entrant: what a handler does is picked up by the loop that is running. */
  private perform(): void {
    if (this.isPerforming) return;
    this.isPerforming = true;
    try {
      this.carryOutConversation();
      for (let next = this.machine.pollIntent(); next !== undefined; next = this.machine.pollIntent()) {
        this.carryOut(next);
        this.carryOutConversation();
      }
    } finally {
      this.isPerforming = false;
    }
    this.setTimer();
  }

  private carryOut(intent: PeerIntent): void {
    switch (intent.want) {
      case "prepare":
        return void this.prepare(intent.link);
      case "call":
        return this.callAt(intent.link, intent.registry);
      case "cancel": {
        const rid = this.links.get(intent.link)?.rids.get(intent.registry);
        return rid === undefined ? undefined : this.host.say(intent.registry, { type: "cancel", rid });
      }
      case "answer":
        return void this.answer(intent.link, intent.offer as IncomingOffer);
      case "join":
        return void this.join(intent.link);
      case "drop":
        return this.dropLink(intent.link);
      case "up":
        return this.up(intent.link);
      case "down":
        this.conversation.down();
        this.current = this.streamByMs = undefined;
        this.handedOut = 0;
        return;
      case "failed":
        return this.fail(intent.code);
      case "state":
        return this.host.onState(this, intent.state, this.lastError);
    }
  }

  private link(id: LinkId): Link {
    let link = this.links.get(id);
    if (link === undefined) this.links.set(id, (link = { abort: new AbortController(), rids: new Map() }));
    return link;
  }

  private async prepare(id: LinkId): Promise<void> {
    const link = this.link(id);
    link.note = this.host.invitationFor(this.publicKey)?.note;
    link.ephemeral = await EphemeralKey.generate();
    if (this.links.get(id) !== link) return link.ephemeral.wipe();
    this.machine.prepared(id, this.host.clock.monoMs());
    this.perform();
  }

  private callAt(id: LinkId, registry: number): void {
    const link = this.link(id);
    const rid = this.host.nextRid(registry, this, id);
    link.rids.set(registry, rid);
    this.host.say(registry, { type: "call", rid, to: this.publicKey, eph: (link.ephemeral as EphemeralKey).publicKey, note: link.note });
  }

  private answer(id: LinkId, offer: IncomingOffer): Promise<void> {
    const link = this.link(id);
    link.note = offer.invitation === undefined ? undefined : offer.frame.note;
    return this.connect(id, link, offer.guest, (contact) => answerCall(this.host, link, contact, offer, (kind, stream) => this.take(id, kind, stream)));
  }

  private join(id: LinkId): Promise<void> {
    const link = this.link(id);
    return this.connect(id, link, undefined, (contact) => joinCall(this.host, link, contact, (kind, stream) => this.take(id, kind, stream)));
  }

  private async connect(id: LinkId, link: Link, guest: Contact | undefined, open: (contact: Contact) => Promise<Channel>): Promise<void> {
    const isCaller = link.granted !== undefined;
    let channel: Channel | undefined;
    try {
      const contact = this.host.contactOf(this.publicKey, guest);
      if (contact === undefined) throw new RendezvousError("unknown_contact");
      channel = await this.host.attach(() => open(contact));
      if (link.abort.signal.aborted) return channel.close();
      this.host.onJoined(this, link.note, isCaller, guest);
      link.channel = channel;
      // With a stream of messages it is heard of there, behind what had arrived: a bye makes it another end.
      void channel.ended.then(() => (link.stream === undefined ? this.lost(id) : undefined));
      this.lastError = undefined;
      this.machine.joined(id, this.host.clock.monoMs());
    } catch (cause) {
      channel?.close();
      if (!link.abort.signal.aborted) {
        this.lastError = cause instanceof RendezvousError ? cause : new RendezvousError("channel_failed", undefined, { cause });
        this.host.onJoinFailed(this, link.note, isCaller, cause);
        this.machine.joinFailed(id, this.lastError.code, this.host.clock.monoMs());
      }
    } finally {
      link.ephemeral?.wipe();
      wipe(guest?.dh);
    }
    this.perform();
  }

  private up(id: LinkId): void {
    const link = this.link(id);
    const { channel } = link;
    if (channel === undefined) return;
    this.current = id;
    this.usedAtMs = this.host.clock.monoMs();
    // Whoever opens no stream of messages, or does not take ours, would keep them waiting for ever.
    this.streamByMs = this.usedAtMs + helloTimeoutMs;
    for (const waiting of this.opens.splice(0)) waiting.resolve(this.session() as PeerSession);
    if (!channel.isCaller) return link.stream ? this.talk(id, link) : undefined;
    channel.openStream(messagesStreamKind).then(
      (stream) => this.messages(id, stream),
      () => this.lost(id),
    );
  }

  private take(id: LinkId, kind: string, stream: YamuxStream): void {
    const contact = this.host.contactOf(this.publicKey);
    const link = this.links.get(id);
    if (contact === undefined || link === undefined) return stream.reset();
    if (kind === messagesStreamKind) {
      // The caller opens it, once.
      if (link.channel?.isCaller === true || link.stream !== undefined) return stream.reset();
      return this.messages(id, stream);
    }
    this.usedAtMs = this.host.clock.monoMs();
    if (kind !== rpcKind) return this.host.takeStream(contact, kind, stream);
    void serveRpc(stream, () => this.host.routerFor(contact));
  }

  private messages(id: LinkId, stream: YamuxStream): void {
    const link = this.links.get(id);
    if (link === undefined) return stream.reset();
    // What is queued, what is acknowledged, and room for more of the latter.
    link.stream = new FrameStream(stream, maxMessageFrameBytes, 3 * maxQueuedMessageBytes, {
      onText: (text) => {
        if (this.current !== id) return;
        this.usedAtMs = this.host.clock.monoMs();
        this.conversation.text(text, this.usedAtMs);
        this.carryOutConversation();
        this.setTimer();
      },
      onLost: () => this.lost(id),
    });
    if (this.current === id) this.talk(id, link);
  }

  private talk(id: LinkId, link: Link): void {
    if (this.current !== id || link.stream === undefined) return;
    this.streamByMs = undefined;
    this.conversation.up(this.host.clock.monoMs());
    this.carryOutConversation();
    this.setTimer();
  }

  private carryOutConversation(): void {
    for (let next = this.conversation.pollIntent(); next !== undefined; next = this.conversation.pollIntent()) {
      switch (next.want) {
        case "send":
          this.say(next.text, next.id);
          break;
        case "deliver": {
          const contact = this.host.contactOf(this.publicKey);
          // Of somebody removed meanwhile, or not taken: it is not acknowledged.
          if (contact !== undefined && this.host.onMessage(contact, next.content, next.sentAtMs)) this.conversation.handed(next.id);
          else this.conversation.refused();
          break;
        }
        case "settle": {
          const waiting = this.sends.get(next.id);
          this.sends.delete(next.id);
          if (next.code === undefined) waiting?.resolve();
          else waiting?.reject(this.errorOf(next.code));
          break;
        }
        case "close":
          if (this.current !== undefined) this.lost(this.current, next.why === "channel_lost" ? "silent" : next.why === "bye" ? "left" : "lost");
      }
    }
  }

  private say(text: string, message: number | undefined): void {
    const { current } = this;
    const moved = () => {
      if (message === undefined || this.current !== current) return;
      this.conversation.moved(message, this.host.clock.monoMs());
      this.setTimer();
    };
    if (current !== undefined) this.links.get(current)?.stream?.send(text, moved);
  }

  private lost(id: LinkId, how?: Loss): void {
    this.machine.lost(id, this.conversation.pending > 0 || this.opens.length > 0, this.host.clock.monoMs(), how);
    this.perform();
  }

  private dropLink(id: LinkId): void {
    const link = this.links.get(id);
    this.links.delete(id);
    link?.stream?.close();
    link?.abort.abort();
    link?.channel?.close();
    link?.ephemeral?.wipe();
  }

  private session(): PeerSession | undefined {
    const id = this.current;
    const channel = id === undefined ? undefined : this.links.get(id)?.channel;
    if (id === undefined || channel === undefined) return undefined;
    this.handedOut++;
    return sessionOf(this.publicKey, channel, () => this.lost(id, "left"));
  }

  private get idleAtMs(): number | undefined {
    const isIdle = this.current !== undefined && this.handedOut === 0 && this.conversation.pending === 0;
    return isIdle ? this.usedAtMs + this.host.channelIdleMs : undefined;
  }

  private setTimer(): void {
    this.alarm.set(this.machine.deadline, this.conversation.deadline, this.idleAtMs, this.streamByMs);
  }

  private ring(nowMs: number): void {
    this.machine.advance(nowMs);
    this.conversation.advance(nowMs);
    this.carryOutConversation();
    if (nowMs >= (this.idleAtMs ?? Infinity)) {
      this.detach();
      this.machine.leave();
    }
    if (nowMs >= (this.streamByMs ?? Infinity) && this.current !== undefined) this.lost(this.current, "silent");
    this.perform();
  }

  /** Says bye and lets the channel end by itself: what is to be said from now on gets another one. The machine is to be told. */
  private detach(): void {
    const { current } = this;
    this.conversation.bye();
    this.carryOutConversation();
    const { channel } = (current === undefined ? undefined : this.links.get(current)) ?? {};
    if (current === undefined || channel === undefined) return;
    this.links.delete(current);
    const before = this.leaving;
    this.leaving = channel.leave().then(() => before);
  }
}
