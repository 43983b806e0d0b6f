// A registry: who is registered, who calls whom, who sees whom. It routes grants, and never a message.
// Layer rendezvous. Told what arrives and the time, it answers with intents; proofs, policies and grants are made by whoever carries them
// out. Source: RENDEZVOUS.

import type { PublicKey } from "../identity/index.js";
import { CompatibleRegistry, tooOften, type CompatibleResponse } from "./compatible_registry.js";
import { EarlyTexts } from "./early_texts.js";
import { Calls, type RegistryCall } from "./registry_calls.js";
import type { RegistryErrorCode } from "./error.js";
import { decodeClientFrame, type ClientFrame, type ServerFrame } from "./frames.js";
import { challengeLifetimeS, challengeLifetimeWithWorkS, keepAliveMs, maxRegistryKeys, maxWatchedKeys, silenceMs, type RegistryLimits } from "./limits.js";
import { TokenBucket } from "./token_bucket.js";
import { Wakes, type Wakeable } from "./wakes.js";

export type ConnectionId = number;
export type RegisterFrame = ClientFrame & { readonly type: "register" };

/** What the machine wants, in this order. */
export type RegistryIntent =
  | { readonly want: "send"; readonly connection: ConnectionId; readonly frame: ServerFrame }
  /** Close it when everything has left. */
  | { readonly want: "close"; readonly connection: ConnectionId; readonly code: number; readonly reason: string }
  /** Cut it, at once and without a word where that can be done. */
  | { readonly want: "cut"; readonly connection: ConnectionId; readonly reason: string }
  /** Check proof and work, ask the application; then verified(). */
  | { readonly want: "verify"; readonly connection: ConnectionId; readonly frame: RegisterFrame; readonly challenge: Uint8Array; readonly workBits: number }
  /** Ask the application, mint; then minted(). */
  | { readonly want: "mint"; readonly call: RegistryCall }
  /** Of the compatible mode: a text as it is; and a response to open, then verifiedCompatible(). */
  | { readonly want: "say"; readonly connection: ConnectionId; readonly text: string }
  | { readonly want: "open"; readonly connection: ConnectionId; readonly response: CompatibleResponse }
  /** Its WebSocket, as far as it can be pinged; what comes back is heard(). */
  | { readonly want: "ping"; readonly connection: ConnectionId }
  | { readonly want: "joined" | "left"; readonly key: PublicKey };

interface Connection extends Wakeable {
  readonly id: ConnectionId;
  readonly address: string;
  isCompatible: boolean;
  /** 0: its address does not come too often. */
  readonly workBits: number;
  /** Of the challenge; undefined before it was sent, and once it was used. */
  challenge: { readonly value: Uint8Array; readonly byMs: number } | undefined;
  /** What it says while its registration is judged, and only then. */
  early: EarlyTexts | undefined;
  key: PublicKey | undefined;
  instance: string;
  /** Until when something must be heard of it; before it is open: until when that may take. */
  silentByMs: number;
  pingAtMs: number;
  lastRid: number;
  readonly watched: Map<string, PublicKey>;
}

export interface RegistrySettings {
  /** The current one first. All of them are accepted, and the first 8 offered. */
  readonly keys: readonly PublicKey[];
  readonly limits: RegistryLimits;
  /** Bits of work that are asked for when an address registers too often; undefined: it is refused. */
  readonly workBits: number | undefined;
  /** Fills 32 bytes, and names. */
  readonly random: (bytes: number) => Uint8Array;
  readonly name: () => string;
  /** Whether a socket can be sent what strangers say as fast as they like. */
  readonly hasRoom: (id: ConnectionId) => boolean;
}

const maxAddresses = 65_536;
/** Between searches for what is as it was in the beginning. */
const sweepMs = 1_000;
/** From the admission until frames can be sent: what a sealed connection may take to open. */
const openingMs = 20_000;
const normalCode = 1000;
const leavingCode = 1001;
const refusedCode = 1008;

export class RegistryMachine {
  readonly calls: Calls;
  readonly compatible: CompatibleRegistry;
  private readonly intents: RegistryIntent[] = [];
  private readonly connections = new Map<ConnectionId, Connection>();
  private readonly wakes = new Wakes<Connection>();
  private sweepAtMs = 0;
  private readonly byKey = new Map<string, Connection>();
  private readonly unregistered = new Set<Connection>();
  private readonly addresses = new Map<string, TokenBucket>();

  constructor(private readonly settings: RegistrySettings) {
    this.calls = new Calls(settings.limits, settings.name, {
      send: (key, frame) => {
        const to = this.byKey.get(key.text);
        if (to !== undefined) this.say(to, frame);
      },
      isRegistered: (key) => this.byKey.has(key.text),
      mint: (call) => this.intents.push({ want: "mint", call }),
    });
    this.compatible = new CompatibleRegistry(settings.keys[0] as PublicKey, settings.random, {
      say: (connection, text) => this.intents.push({ want: "say", connection, text }),
      close: (id, reason) => this.withConnection(id, (connection) => this.end(connection, refusedCode, reason)),
      verify: (connection, response) => this.intents.push({ want: "open", connection, response }),
      hasRoom: () => this.hasRoom,
      hasRoomFor: settings.hasRoom,
      registered: (id) => this.withConnection(id, (connection) => this.unregistered.delete(connection)),
    });
  }

  /** Keys that are registered, those of the compatible mode not counted. */
  get size(): number {
    return this.byKey.size;
  }

  private get hasRoom(): boolean {
    return this.byKey.size + this.compatible.size < this.settings.limits.maxKeys;
  }

  get deadline(): number | undefined {
    const least = Math.min(this.calls.deadline ?? Infinity, this.wakes.next ?? Infinity);
    return least === Infinity ? undefined : least;
  }

  pollIntent(): RegistryIntent | undefined {
    return this.intents.shift();
  }

  isOnline(key: PublicKey): boolean {
    return this.byKey.has(key.text);
  }

  /**
   * A socket was accepted; nothing was computed for it, and nothing can be said on it yet. False when its address has too many, or comes too often: it is to
   * be told `rate_limited`, and closed.
   */
  arrived(id: ConnectionId, address: string, nowMs: number): boolean {
    const { maxUnregisteredPerAddress, maxUnregistered } = this.settings.limits;
    let ofAddress = 0;
    for (const each of this.unregistered) if (each.address === address) ofAddress++;
    if (ofAddress >= maxUnregisteredPerAddress) return false;
    const workBits = this.bucketOf(address, nowMs).take(nowMs) ? 0 : this.settings.workBits;
    if (workBits === undefined) return false;
    if (this.unregistered.size >= maxUnregistered) {
      const [oldest] = this.unregistered;
      if (oldest !== undefined) this.cut(oldest, "oldest of too many");
    }
    const connection: Connection = {
      id, address, isCompatible: false, workBits, challenge: undefined, early: undefined, key: undefined, instance: "", silentByMs: nowMs + openingMs, pingAtMs: Infinity, lastRid: 0, watched: new Map(), wakeAtMs: Infinity,
    };
    this.connections.set(id, connection);
    this.unregistered.add(connection);
    this.wake(connection);
    return true;
  }

  /** Frames can be said on it now. */
  opened(id: ConnectionId, nowMs: number): void {
    const connection = this.connections.get(id);
    if (connection === undefined) return;
    const { keys, random } = this.settings;
    const expiresInS = connection.workBits > 0 ? challengeLifetimeWithWorkS : challengeLifetimeS;
    const value = random(32);
    connection.challenge = { value, byMs: nowMs + expiresInS * 1000 };
    connection.silentByMs = nowMs + silenceMs;
    this.wake(connection);
    this.say(connection, { type: "challenge", registryKeys: keys.slice(0, maxRegistryKeys), challenge: value, expiresInS, workBits: connection.workBits || undefined });
  }

  /** The same for a client of the original. `pathKey`: the key of its location; `greeting`: what it is to seal. */
  openedCompatible(id: ConnectionId, pathKey: PublicKey | undefined, greeting: string, nowMs: number): void {
    this.withConnection(id, (connection) => {
      connection.isCompatible = true;
      connection.silentByMs = nowMs + challengeLifetimeS * 1000;
      this.wake(connection);
      // The original knows no work: what others have to work for is refused.
      if (connection.workBits > 0) return this.compatible.fail(id, tooOften);
      this.compatible.opened(id, pathKey, greeting);
    });
  }

  /** What a client said; undefined for what is no text. */
  text(id: ConnectionId, text: string | undefined, nowMs: number): void {
    const connection = this.connections.get(id);
    if (connection === undefined) return;
    if (connection.isCompatible) {
      if (this.unregistered.has(connection) && nowMs >= connection.silentByMs) return this.compatible.fail(id, "time-out");
      this.heard(id, nowMs);
      return this.compatible.text(id, text);
    }
    if (connection.key !== undefined) this.heardOf(connection, nowMs);
    if (text === undefined) return this.refuse(connection, "invalid_frame");
    const frame = decodeClientFrame(text);
    if (frame.type === "refused" && frame.rid === undefined) return this.refuse(connection, "invalid_frame");
    if (frame.type === "register") return this.register(connection, frame, nowMs);
    if (connection.early?.add(text) === true) return;
    if (connection.key === undefined) return this.refuse(connection, "not_registered");
    if (frame.type === "refused") return this.say(connection, { type: "error", code: "invalid_frame", rid: frame.rid, fatal: false });
    if (frame.type === "unknown" || frame.type === "pong") return;
    if (frame.type === "ping") return this.say(connection, { type: "pong", t: frame.t });
    if (frame.type === "watch") return this.watch(connection, connection.key, frame.keys);
    if (frame.type === "unwatch") return this.unwatch(connection, connection.key, frame.keys);
    if (frame.type !== "call") return this.calls.frame(connection.key, frame);
    if (frame.rid <= connection.lastRid) return this.refuse(connection, "invalid_frame");
    connection.lastRid = frame.rid;
    this.calls.call(connection.key, frame, nowMs);
  }

  /** It does not take what is sent to it. */
  slow(id: ConnectionId): void {
    this.withConnection(id, (connection) => this.cut(connection, "slow"));
  }

  /** A client of the original is alive: it said something, or its WebSocket did. */
  heard(id: ConnectionId, nowMs: number): void {
    const connection = this.connections.get(id);
    if (connection?.isCompatible === true && !this.unregistered.has(connection)) this.heardOf(connection, nowMs);
  }

  /** How its response was judged. */
  verifiedCompatible(id: ConnectionId, isRight: boolean, nowMs: number): void {
    this.compatible.verified(id, isRight);
    this.heard(id, nowMs);
  }

  /** How a registration was judged. */
  verified(id: ConnectionId, code: RegistryErrorCode | undefined, frame: RegisterFrame, nowMs: number): void {
    const connection = this.connections.get(id);
    if (connection?.early === undefined) return;
    const { early } = connection;
    connection.early = undefined;
    if (code !== undefined) return this.refuse(connection, code);
    const { publicKey } = frame;
    const instance = String(frame.instance);
    const before = this.byKey.get(publicKey.text);
    if (before !== undefined && before.instance !== instance && !frame.replace) return this.refuse(connection, "already_registered");
    if (before === undefined && !this.hasRoom) return this.refuse(connection, "rate_limited");
    // Its own old socket goes without a word: the process gave it up already.
    if (before?.instance === instance) this.end(before, normalCode, "");
    else if (before !== undefined) this.refuse(before, "replaced");
    this.unregistered.delete(connection);
    connection.key = publicKey;
    connection.instance = instance;
    this.heardOf(connection, nowMs);
    this.byKey.set(publicKey.text, connection);
    this.say(connection, { type: "registered", publicKey, session: this.settings.name(), keepAliveS: keepAliveMs / 1000 });
    this.intents.push({ want: "joined", key: publicKey });
    for (const text of early.take()) this.text(id, text, nowMs);
  }

  /** The socket is gone. */
  closed(id: ConnectionId): void {
    const connection = this.connections.get(id);
    if (connection !== undefined) this.forget(connection);
  }

  advance(nowMs: number): void {
    this.calls.advance(nowMs);
    for (let connection = this.wakes.due(nowMs); connection !== undefined; connection = this.wakes.due(nowMs)) {
      if (connection.challenge !== undefined && nowMs >= connection.challenge.byMs) this.refuse(connection, "challenge_expired");
      else if (nowMs >= connection.pingAtMs && nowMs < connection.silentByMs) this.ping(connection, nowMs);
      else if (nowMs < connection.silentByMs) this.wake(connection); // it was heard meanwhile
      else if (connection.isCompatible && this.unregistered.has(connection)) this.compatible.fail(connection.id, "time-out");
      else this.cut(connection, "silent");
    }
    if (nowMs < this.sweepAtMs) return;
    this.sweepAtMs = nowMs + sweepMs;
    this.calls.sweep(nowMs);
    for (const [address, bucket] of this.addresses) if (bucket.isFull(nowMs)) this.addresses.delete(address);
  }

  /** Everybody is told. */
  shutDown(): void {
    for (const connection of [...this.connections.values()]) {
      if (connection.isCompatible) this.end(connection, leavingCode, "shutting_down");
      else this.refuse(connection, "shutting_down");
    }
  }

  /** Of its WebSocket in any case, which is all that the original knows; one of ours is asked once for each silence. */
  private ping(connection: Connection, nowMs: number): void {
    connection.pingAtMs = connection.isCompatible ? nowMs + keepAliveMs : Infinity;
    this.wake(connection);
    if (!connection.isCompatible) this.say(connection, { type: "ping", t: Math.floor(nowMs) });
    this.intents.push({ want: "ping", connection: connection.id });
  }

  private heardOf(connection: Connection, nowMs: number): void {
    connection.silentByMs = nowMs + silenceMs;
    connection.pingAtMs = nowMs + keepAliveMs;
    this.wake(connection);
  }

  private wake(connection: Connection): void {
    this.wakes.noLater(connection, Math.min(connection.silentByMs, connection.pingAtMs, connection.challenge?.byMs ?? Infinity));
  }

  private withConnection(id: ConnectionId, then: (connection: Connection) => void): void {
    const connection = this.connections.get(id);
    if (connection !== undefined) then(connection);
  }

  private bucketOf(address: string, nowMs: number): TokenBucket {
    let bucket = this.addresses.get(address);
    if (bucket !== undefined) {
      this.addresses.delete(address); // the one that was longest away is forgotten first
      this.addresses.set(address, bucket);
      return bucket;
    }
    const { registrationBurst, registrationsPerSecond } = this.settings.limits;
    const [oldest] = this.addresses.keys();
    if (this.addresses.size >= maxAddresses && oldest !== undefined) this.addresses.delete(oldest);
    this.addresses.set(address, (bucket = new TokenBucket(registrationBurst, registrationsPerSecond / 1000, nowMs)));
    return bucket;
  }

  private register(connection: Connection, frame: RegisterFrame, nowMs: number): void {
    const { challenge } = connection;
    connection.challenge = undefined; // used once, whatever comes of it
    if (challenge === undefined) return this.refuse(connection, "invalid_frame");
    if (nowMs >= challenge.byMs) return this.refuse(connection, "challenge_expired");
    if (!this.settings.keys.some((key) => key.equals(frame.registryKey))) return this.refuse(connection, "unknown_registry_key");
    const { workBits } = connection;
    if (workBits > 0 && frame.workNonce === undefined) return this.refuse(connection, "pow_required");
    connection.early = new EarlyTexts();
    this.intents.push({ want: "verify", connection: connection.id, frame, challenge: challenge.value, workBits });
  }

  /** Presence is seen by those only who watch each other. */
  private watch(connection: Connection, own: PublicKey, keys: readonly PublicKey[]): void {
    const asked = new Map(keys.map((key) => [key.text, key])); // equal ones count once
    const more = [...asked.keys()].filter((text) => !connection.watched.has(text)).length;
    if (connection.watched.size + more > maxWatchedKeys) return this.say(connection, { type: "error", code: "rate_limited", fatal: false });
    for (const key of asked.values()) {
      const isNew = !connection.watched.has(key.text);
      connection.watched.set(key.text, key);
      const other = key.equals(own) ? undefined : this.byKey.get(key.text); // nobody is there for itself
      const isMutual = other?.watched.has(own.text) === true;
      this.say(connection, { type: "presence", key, online: isMutual });
      if (isMutual && isNew) this.say(other, { type: "presence", key: own, online: true });
    }
  }

  private unwatch(connection: Connection, own: PublicKey, keys: readonly PublicKey[]): void {
    for (const key of keys) if (connection.watched.delete(key.text)) this.tellGone(own, key);
  }

  private tellGone(own: PublicKey, watcher: PublicKey): void {
    const other = watcher.equals(own) ? undefined : this.byKey.get(watcher.text);
    if (other?.watched.has(own.text) === true) this.say(other, { type: "presence", key: own, online: false });
  }

  private say(connection: Connection, frame: ServerFrame): void {
    this.intents.push({ want: "send", connection: connection.id, frame });
  }

  private refuse(connection: Connection, code: RegistryErrorCode): void {
    this.say(connection, { type: "error", code, fatal: true });
    this.end(connection, code === "shutting_down" ? leavingCode : refusedCode, code);
  }

  private end(connection: Connection, code: number, reason: string): void {
    this.forget(connection);
    this.intents.push({ want: "close", connection: connection.id, code, reason });
  }

  private cut(connection: Connection, reason: string): void {
    this.forget(connection);
    this.intents.push({ want: "cut", connection: connection.id, reason });
  }

  private forget(connection: Connection): void {
    const { id, key } = connection;
    this.connections.delete(id);
    this.unregistered.delete(connection);
    this.wakes.forget(connection);
    if (connection.isCompatible) this.compatible.left(id);
    if (key === undefined || this.byKey.get(key.text) !== connection) return;
    this.byKey.delete(key.text);
    this.calls.left(key);
    for (const watched of connection.watched.values()) this.tellGone(key, watched);
    this.intents.push({ want: "left", key });
  }
}
