// How a channel to one contact comes to be, and comes back: calls out, calls in, who wins, when to try again.
// Layer rendezvous. Told what happened and the time, it answers with intents; it derives nothing and opens nothing. Source: SECURE_WEBSOCKET,
// "Calls".

import type { PublicKey } from "../identity/index.js";
import { checkSettings, reconnectDelayMs, type ReconnectSettings, type WholeSettings } from "../reconnect/settings.js";
import type { RendezvousErrorCode } from "./error.js";
import { arrivalWaitMs, calleeWaitMs, callTimeoutMs, glareWaitMs, settledChannelMs } from "./limits.js";
import type { LinkId, Loss, Offer, PeerIntent, PeerState } from "./peer_intents.js";

export type { LinkId, Loss, Offer, PeerIntent, PeerState } from "./peer_intents.js";

interface Call {
  readonly link: LinkId;
  isPrepared: boolean;
  /** Registries that were asked and have not refused. */
  readonly asked: Set<number>;
  /** When registries are asked anew, as the contact came; Infinity afterwards, or one that makes comings up could go on for ever. */
  readonly anewAtMs: Map<number, number>;
  byMs: number;
  lastCode: RendezvousErrorCode | undefined;
}

export class PeerMachine {
  private readonly intents: PeerIntent[] = [];
  private readonly settings: WholeSettings;
  private current: PeerState = "closed";
  private lastLink = 0;
  private registries: readonly number[] = [];
  private call: Call | undefined;
  /** Handshakes under way: one of a call of ours, and one of a call of theirs at each registry. `isAwaited`: nothing else is tried meanwhile. */
  private readonly joins = new Map<LinkId, { readonly isCaller: boolean; readonly registry: number; readonly isAwaited: boolean }>();
  /** Registries whose grants led to no channel: asked when the others have refused. */
  private readonly distrusted = new Set<number>();
  /** Registries that told of a call of theirs that came to nothing, until the next channel: what they tell is not waited for again. */
  private readonly doubtful = new Set<number>();
  private channel: { readonly link: LinkId; readonly isCaller: boolean; readonly registry: number; readonly sinceMs: number } | undefined;
  /** Calls of theirs that lose against ours, unless ours comes to nothing; one of each registry. */
  private readonly held = new Map<number, { readonly offer: Offer; readonly takeAtMs: number }>();
  private wakeAtMs: number | undefined;
  /** Attempts of this round that failed; a round ends with giving up, or with a channel that lasts. */
  private failures = 0;
  /** Whether there was a channel that has to be got back: then an absent contact may be about to come back. */
  private isResuming = false;
  private isWanted = false;
  /** The channel is got back although nothing waits for it: we had called for it, and nobody had left it. */
  private isRecovering = false;
  private isHopeless = false;
  /** What registries say of the contact; `left` when it was there before, `absent` when not: that may mean that it does not watch us. */
  private readonly seen = new Map<number, "online" | "absent" | "left">();

  /** `winsGlare`: our key is the smaller one. `unit` draws numbers, uniform in 0..1. */
  constructor(
    private readonly winsGlare: boolean,
    settings: ReconnectSettings,
    private readonly unit: () => number,
  ) {
    const whole = checkSettings({ enabled: true, ...settings }, "refreshable");
    this.settings = whole.enabled ? whole : { ...whole, maxAttempts: 1 };
  }

  static winsGlare(own: PublicKey, peer: PublicKey): boolean {
    return own.compare(peer) < 0;
  }

  get state(): PeerState {
    return this.current;
  }

  get isCaller(): boolean {
    return this.channel?.isCaller === true;
  }

  get deadline(): number | undefined {
    const ofCall = this.call === undefined || this.registries.length === 0 ? [] : [this.call.byMs, ...this.call.anewAtMs.values()];
    const first = Math.min(...[this.wakeAtMs, ...ofCall, ...[...this.held.values()].map(({ takeAtMs }) => takeAtMs)].filter((each) => each !== undefined));
    return first === Infinity ? undefined : first;
  }

  pollIntent(): PeerIntent | undefined {
    return this.intents.shift();
  }

  /** There is something to say. `isFirst`: everything before it has arrived. */
  need(nowMs: number, isFirst = false): void {
    if (!this.isWanted && this.isRecovering && this.hasLeft && !this.isAwaiting()) return void this.intents.push({ want: "failed", code: "offline" });
    this.isWanted = true;
    if (isFirst && this.hasSettled(nowMs)) this.failures = 0;
    if (this.isBusy) return;
    if (this.hasLeft) return this.giveUp("offline");
    this.failures = 0;
    this.begin(nowMs);
  }

  /**
   * The registries that we are registered with, by number. Calls that wait for one go out. `isHopeless`: there is none, and none is tried any more. A channel
   * lives on then, and so does what is being joined.
   */
  available(registries: readonly number[], nowMs: number, isHopeless = false): void {
    this.isHopeless = isHopeless;
    const gained = registries.filter((each) => !this.registries.includes(each));
    const lost = this.registries.filter((each) => !registries.includes(each));
    this.registries = registries;
    for (const registry of lost) for (const known of [this.call?.asked, this.call?.anewAtMs, this.held, this.seen, this.distrusted]) known?.delete(registry);
    const { call } = this;
    if (isHopeless && (call !== undefined || this.wakeAtMs !== undefined)) {
      this.cancelCall();
      this.wakeAtMs = undefined;
      return this.isAwaiting() ? undefined : this.giveUp("no_registry");
    }
    if (call?.isPrepared !== true) return;
    if (gained.length > 0) call.byMs = nowMs + callTimeoutMs;
    for (const registry of gained) this.ask(call, registry);
  }

  /** What a registry says of the contact. */
  presence(registry: number, online: boolean, nowMs: number): void {
    const before = this.seen.get(registry);
    this.seen.set(registry, online ? "online" : before === undefined || before === "absent" ? "absent" : "left");
    const { call } = this;
    const anewAtMs = call?.anewAtMs.get(registry);
    if (!online) {
      if (anewAtMs !== Infinity) call?.anewAtMs.delete(registry);
    } else if (this.wakeAtMs !== undefined && this.current === "waiting") this.wake(nowMs);
    else if (before !== undefined && before !== "online" && anewAtMs === undefined && call?.asked.has(registry)) call.anewAtMs.set(registry, nowMs + arrivalWaitMs);
  }

  prepared(link: LinkId, nowMs: number): void {
    const { call } = this;
    if (call?.link !== link) return;
    call.isPrepared = true;
    call.byMs = nowMs + callTimeoutMs;
    const trusted = this.registries.filter((each) => !this.distrusted.has(each));
    if (trusted.length === 0) this.distrusted.clear();
    for (const registry of trusted.length > 0 ? trusted : this.registries) if (!this.isAwaiting(registry)) this.ask(call, registry);
  }

  /** A registry has the contact's answer; the first one is used. */
  granted(link: LinkId, registry: number): void {
    const { call } = this;
    if (call?.link !== link) return;
    call.asked.delete(registry);
    this.cancelCall(link);
    this.joins.set(link, { isCaller: true, registry, isAwaited: true });
    this.intents.push({ want: "join", link });
  }

  /** A registry will not connect us. */
  refused(link: LinkId, registry: number, code: RendezvousErrorCode, nowMs: number): void {
    const { call } = this;
    if (call?.link !== link || !call.asked.delete(registry)) return;
    const why = (call.lastCode = worse(call.lastCode, code));
    if (call.asked.size > 0) return;
    const left = this.registries.filter((each) => this.distrusted.delete(each));
    for (const each of left) this.ask(call, each);
    if (left.length === 0) this.callFailed(why, nowMs);
  }

  /** The contact calls. Only the handshake shows that it did: what we do at other registries goes on until it is through. */
  incoming(offer: Offer, nowMs: number): void {
    const { registry } = offer;
    this.seen.delete(registry);
    // They call again because the call before came to nothing.
    for (const [link, join] of this.joins) if (!join.isCaller && join.registry === registry) this.joinFailed(link, "channel_failed", nowMs);
    const { channel } = this;
    // They may not know yet that the channel is there, for which another registry brought us together.
    const isEarly = channel !== undefined && channel.registry !== registry && nowMs < channel.sinceMs + glareWaitMs;
    if (!isEarly && !this.isAwaiting() && (this.call === undefined || !this.winsGlare)) return this.answer(offer);
    this.held.set(registry, { offer, takeAtMs: nowMs + glareWaitMs });
    if (!this.winsGlare) this.withdraw(registry);
  }

  /** The contact does not call any more. */
  cancelled(offer: Offer): void {
    if (this.held.get(offer.registry)?.offer.callId === offer.callId) this.held.delete(offer.registry);
  }

  /** The handshake is over: whoever is there is the contact. */
  joined(link: LinkId, nowMs: number): void {
    const join = this.joins.get(link);
    if (join === undefined) return void this.intents.push({ want: "drop", link });
    this.joins.delete(link);
    this.distrusted.delete(join.registry);
    this.doubtful.clear();
    if (this.channel !== undefined) this.intents.push({ want: "down" }, { want: "drop", link: this.channel.link });
    this.dropAttempts();
    this.channel = { link, isCaller: join.isCaller, registry: join.registry, sinceMs: nowMs };
    this.isResuming = this.isRecovering = false;
    this.become("open");
    this.intents.push({ want: "up", link });
  }

  joinFailed(link: LinkId, code: RendezvousErrorCode, nowMs: number): void {
    const join = this.joins.get(link);
    if (join === undefined) return;
    const { isCaller, registry } = join;
    // The first time they are given the time to call again; that is no failure of ours.
    const isFailure = isCaller || this.doubtful.has(registry);
    this.joins.delete(link);
    if (isFailure) this.distrusted.add(registry);
    if (!isCaller) this.doubtful.add(registry);
    this.intents.push({ want: "drop", link });
    const [next] = this.held.values();
    if (next !== undefined && !this.isAwaiting() && (this.call === undefined || !this.winsGlare)) this.answer(next.offer);
    if (!this.isBusy) this.tryAgain(code, isCaller, nowMs, isFailure);
  }

  /** The channel ended. `isWanted`: there are messages that it did not take along, or somebody waits for a channel. */
  lost(link: LinkId, isWanted: boolean, nowMs: number, how: Loss = "lost"): void {
    if (this.channel?.link !== link) return;
    const { isCaller } = this.channel;
    if (how !== "silent" && this.hasSettled(nowMs)) this.failures = 0;
    this.channel = undefined;
    this.intents.push({ want: "down" }, { want: "drop", link });
    this.isWanted = isWanted;
    this.isResuming = true;
    this.isRecovering = isCaller && how !== "left";
    if (this.isAwaiting()) this.become("calling");
    else this.tryAgain("channel_lost", isCaller, nowMs);
  }

  /** Nobody needs the channel any more. */
  leave(): void {
    const { channel } = this;
    this.isWanted = this.isResuming = this.isRecovering = false;
    this.channel = undefined;
    if (channel !== undefined) this.intents.push({ want: "down" }, { want: "drop", link: channel.link });
    this.become(this.joins.size === 0 && this.call === undefined ? "closed" : "calling");
  }

  /** Everything ends. */
  close(): void {
    this.dropAttempts();
    this.leave();
  }

  advance(nowMs: number): void {
    const { call } = this;
    for (const { offer, takeAtMs } of this.held.values()) if (nowMs >= takeAtMs) return this.answer(offer);
    if (this.wakeAtMs !== undefined && nowMs >= this.wakeAtMs) this.wake(nowMs);
    else if (call !== undefined && this.registries.length > 0 && nowMs >= call.byMs) this.callFailed(worse(call.lastCode, "no_answer"), nowMs);
    else for (const [registry, anewAtMs] of call?.anewAtMs ?? []) if (nowMs >= anewAtMs) this.askAnew(registry, nowMs);
  }

  /** Something is there, or is tried, that will end in a channel or be heard of. */
  private get isBusy(): boolean {
    return this.channel !== undefined || this.isAwaiting() || this.call !== undefined || this.wakeAtMs !== undefined;
  }

  private isAwaiting(at?: number): boolean {
    return [...this.joins.values()].some(({ isAwaited, registry }) => isAwaited && (at === undefined || registry === at));
  }

  /** One registry alone cannot say so of a contact that others may find. */
  private get hasLeft(): boolean {
    return this.registries.length > 0 && this.registries.every((each) => this.seen.get(each) === "left");
  }

  private hasSettled(nowMs: number): boolean {
    return this.channel !== undefined && nowMs - this.channel.sinceMs >= settledChannelMs;
  }

  private wake(nowMs: number): void {
    this.wakeAtMs = undefined;
    this.begin(nowMs);
  }

  private begin(nowMs: number): void {
    if (this.isHopeless) return this.giveUp("no_registry");
    this.call = { link: ++this.lastLink, isPrepared: false, asked: new Set(), anewAtMs: new Map(), byMs: nowMs + callTimeoutMs, lastCode: undefined };
    this.intents.push({ want: "prepare", link: this.call.link });
    this.become("calling");
  }

  private ask(call: Call, registry: number): void {
    call.asked.add(registry);
    this.intents.push({ want: "call", link: call.link, registry });
  }

  /** A registry rings those who are there. Who comes later, as after its restart, would hear nothing of a call that waits 20 s. */
  private askAnew(registry: number, nowMs: number): void {
    const { call } = this;
    if (call === undefined) return;
    call.anewAtMs.set(registry, Infinity);
    if (!call.asked.has(registry)) return;
    call.byMs = nowMs + callTimeoutMs;
    this.intents.push({ want: "cancel", link: call.link, registry });
    this.ask(call, registry);
  }

  /** `isInstead`: of our call, which came to nothing. */
  private answer(offer: Offer, isInstead = false): void {
    const { registry } = offer;
    const hadCall = this.call !== undefined;
    this.held.delete(registry);
    this.withdraw(registry);
    const isAwaited = isInstead || !this.doubtful.has(registry) || (hadCall && this.call === undefined);
    const link = ++this.lastLink;
    this.joins.set(link, { isCaller: false, registry, isAwaited });
    if (isAwaited) this.wakeAtMs = undefined;
    if (this.channel === undefined && (isAwaited || this.current === "closed")) this.become("calling");
    this.intents.push({ want: "answer", link, offer });
  }

  /** Our call at one registry, where theirs is answered. */
  private withdraw(registry: number): void {
    const { call } = this;
    if (call === undefined) return;
    call.anewAtMs.delete(registry);
    if (call.asked.delete(registry)) this.intents.push({ want: "cancel", link: call.link, registry });
    const goesOn = call.isPrepared ? call.asked.size > 0 : this.registries.some((each) => each !== registry && !this.isAwaiting(each));
    if (!goesOn) this.cancelCall();
  }

  /** Whatever was to lead to a channel. */
  private dropAttempts(): void {
    for (const link of this.joins.keys()) this.intents.push({ want: "drop", link });
    this.joins.clear();
    this.held.clear();
    this.wakeAtMs = undefined;
    this.cancelCall();
  }

  /** `kept`: the link that goes on. */
  private cancelCall(kept?: LinkId): void {
    const { call } = this;
    if (call === undefined) return;
    this.call = undefined;
    for (const registry of call.asked) this.intents.push({ want: "cancel", link: call.link, registry });
    if (call.link !== kept) this.intents.push({ want: "drop", link: call.link });
  }

  private callFailed(code: RendezvousErrorCode, nowMs: number): void {
    this.cancelCall();
    if (this.isAwaiting()) return;
    const [held] = this.held.values();
    if (held !== undefined) return this.answer(held.offer, true);
    const isWorthIt = this.isResuming || code !== "recipient_unavailable";
    if (isWorthIt) this.tryAgain(code, true, nowMs);
    else this.giveUp(code);
  }

  private tryAgain(code: RendezvousErrorCode, asCaller: boolean, nowMs: number, isFailure = true): void {
    if (!this.isWanted && !this.isRecovering) {
      this.isResuming = false;
      return this.become("closed");
    }
    if (isFailure) this.failures++;
    if (this.isHopeless) return this.giveUp("no_registry");
    if (isFailure && this.failures >= this.settings.maxAttempts) return this.giveUp(code);
    const wait = reconnectDelayMs(this.settings, Math.max(this.failures - 1, 0), this.unit());
    this.wakeAtMs = nowMs + (asCaller ? wait : calleeWaitMs + wait);
    this.become("waiting");
  }

  private giveUp(code: RendezvousErrorCode): void {
    this.isWanted = this.isResuming = this.isRecovering = false;
    this.failures = 0;
    this.become("closed");
    this.intents.push({ want: "failed", code });
  }

  private become(state: PeerState): void {
    if (this.current === state) return;
    this.current = state;
    this.intents.push({ want: "state", state });
  }
}

/** Absence at one registry says less than what went wrong at another. */
function worse(before: RendezvousErrorCode | undefined, code: RendezvousErrorCode): RendezvousErrorCode {
  return before === undefined || before === "recipient_unavailable" ? code : before;
}
