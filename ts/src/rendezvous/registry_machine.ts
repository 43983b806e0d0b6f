// A registry: who is registered, who calls whom, who sees whom. It routes grants, and never a message.
// Layer rendezvous. Told what arrives and the time, it answers with intents; proofs, policies and grants are made by whoever carries them
// out. Source: RENDEZVOUS.

import type { PublicKey } from "../identity/index.js";
import { CompatibleRegistry, type CompatibleResponse } from "./compatible_registry.js";
import { Calls, type RegistryCall } from "./registry_calls.js";
import type { RegistryErrorCode } from "./error.js";
import { decodeClientFrame, type ClientFrame, type ServerFrame } from "./frames.js";
import { challengeLifetimeS, challengeLifetimeWithWorkS, defaultWorkBits, keepAliveMs, maxWatchedKeys, silenceMs, type RegistryLimits } from "./limits.js";
import { TokenBucket } from "./token_bucket.js";

export type ConnectionId = number;
export type RegisterFrame = ClientFrame & { readonly type: "register" };

/** What the machine wants, in this order. */
export type RegistryIntent =
  | { readonly want: "send"; readonly connection: ConnectionId; readonly frame: ServerFrame }
  /** Close it when everything has left. */
  | { readonly want: "close"; readonly connection: ConnectionId; readonly reason: string }
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

interface Connection {
  readonly id: ConnectionId;
  readonly address: string;
  isCompatible: boolean;
  /** Of the challenge; undefined before it was sent, and once it was used. */
  challenge: { readonly value: Uint8Array; readonly workBits: number; readonly byMs: number } | undefined;
  isVerifying: boolean;
  key: PublicKey | undefined;
  instance: string;
  silentByMs: number;
  /** In the compatible mode, which has no pings of its own. */
  pingAtMs: number;
  lastRid: number;
  readonly watched: Map<string, PublicKey>;
}

export interface RegistrySettings {
  /** The current one first. */
  readonly keys: readonly PublicKey[];
  readonly limits: RegistryLimits;
  /** Bits of work that are asked for when an address registers too often; undefined: it is refused. */
  readonly workBits: number | undefined;
  /** Fills 32 bytes, and names. */
  readonly random: (bytes: number) => Uint8Array;
  readonly name: () => string;
}

const maxAddresses = 65_536;

export class RegistryMachine {
  readonly calls: Calls;
  readonly compatible: CompatibleRegistry;
  private readonly intents: RegistryIntent[] = [];
  private readonly connections = new Map<ConnectionId, Connection>();
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
      close: (id, reason) => this.withConnection(id, (connection) => this.drop(connection, reason)),
      verify: (connection, response) => this.intents.push({ want: "open", connection, response }),
      hasRoom: () => this.hasRoom,
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
    let least = this.calls.deadline ?? Infinity;
    for (const { silentByMs, pingAtMs, challenge } of this.connections.values()) least = Math.min(least, silentByMs, pingAtMs, challenge?.byMs ?? Infinity);
    return least === Infinity ? undefined : least;
  }

  pollIntent(): RegistryIntent | undefined {
    return this.intents.shift();
  }

  isOnline(key: PublicKey): boolean {
    return this.byKey.has(key.text);
  }

  /** A socket was accepted; nothing can be said on it yet. False when its address has too many: it is to be closed. */
  arrived(id: ConnectionId, address: string, nowMs: number): boolean {
    const { maxUnregisteredPerAddress, maxUnregistered } = this.settings.limits;
    let ofAddress = 0;
    for (const each of this.unregistered) if (each.address === address) ofAddress++;
    if (ofAddress >= maxUnregisteredPerAddress) return false;
    if (this.unregistered.size >= maxUnregistered) {
      const [oldest] = this.unregistered;
      if (oldest !== undefined) this.drop(oldest, "rate_limited");
    }
    const connection: Connection = {
      id, address, isCompatible: false, challenge: undefined, isVerifying: false, key: undefined, instance: "", silentByMs: nowMs + silenceMs, pingAtMs: Infinity, lastRid: 0, watched: new Map(),
    };
    this.connections.set(id, connection);
    this.unregistered.add(connection);
    return true;
  }

  /** Frames can be said on it now. */
  opened(id: ConnectionId, nowMs: number): void {
    const connection = this.connections.get(id);
    if (connection === undefined) return;
    const isOften = !this.bucketOf(connection.address, nowMs).take(nowMs);
    const { workBits: ofPolicy, keys, random } = this.settings;
    if (isOften && ofPolicy === undefined) return this.refuse(connection, "rate_limited");
    const workBits = isOften ? (ofPolicy ?? defaultWorkBits) : 0;
    const expiresInS = workBits > 0 ? challengeLifetimeWithWorkS : challengeLifetimeS;
    const value = random(32);
    connection.challenge = { value, workBits, byMs: nowMs + expiresInS * 1000 };
    this.say(connection, { type: "challenge", registryKeys: keys, challenge: value, expiresInS, workBits: workBits || undefined });
  }

  /** The same for a client of the original. `pathKey`: the key of its location; `greeting`: what it is to seal. */
  openedCompatible(id: ConnectionId, pathKey: PublicKey | undefined, greeting: string, nowMs: number): void {
    this.withConnection(id, (connection) => {
      connection.isCompatible = true;
      connection.silentByMs = nowMs + challengeLifetimeS * 1000;
      if (!this.bucketOf(connection.address, nowMs).take(nowMs)) return this.compatible.fail(id, "too many registrations");
      this.compatible.opened(id, pathKey, greeting);
    });
  }

  /** What a client said; of the compatible mode "" for what is no text. */
  text(id: ConnectionId, text: string, nowMs: number): void {
    const connection = this.connections.get(id);
    if (connection === undefined) return;
    if (connection.isCompatible) {
      this.heard(id, nowMs);
      return this.compatible.text(id, text);
    }
    connection.silentByMs = nowMs + silenceMs;
    const frame = decodeClientFrame(text);
    if (frame.type === "refused") {
      if (frame.rid === undefined || connection.key === undefined) return this.refuse(connection, "invalid_frame");
      return this.say(connection, { type: "error", code: "invalid_frame", rid: frame.rid, fatal: false });
    }
    if (frame.type === "unknown" || frame.type === "pong") return;
    if (frame.type === "register") return this.register(connection, frame, nowMs);
    if (connection.key === undefined) return this.refuse(connection, "not_registered");
    if (frame.type === "ping") return this.say(connection, { type: "pong", t: frame.t });
    if (frame.type === "watch") return this.watch(connection, connection.key, frame.keys);
    if (frame.type === "unwatch") return this.unwatch(connection, connection.key, frame.keys);
    if (frame.type !== "call") return this.calls.frame(connection.key, frame);
    if (frame.rid <= connection.lastRid) return this.say(connection, { type: "error", code: "invalid_frame", rid: frame.rid, fatal: false });
    connection.lastRid = frame.rid;
    this.calls.call(connection.key, frame, nowMs);
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
    if (connection?.isVerifying !== true) return;
    connection.isVerifying = false;
    if (code !== undefined) return this.refuse(connection, code);
    const { publicKey } = frame;
    const instance = String(frame.instance);
    const before = this.byKey.get(publicKey.text);
    if (before !== undefined && before.instance !== instance && !frame.replace) return this.refuse(connection, "already_registered");
    if (before === undefined && !this.hasRoom) return this.refuse(connection, "rate_limited");
    if (before !== undefined) {
      if (before.instance !== instance) this.say(before, { type: "error", code: "replaced", fatal: true });
      this.drop(before, "replaced");
    }
    this.unregistered.delete(connection);
    connection.key = publicKey;
    connection.instance = instance;
    connection.silentByMs = nowMs + silenceMs;
    this.byKey.set(publicKey.text, connection);
    this.say(connection, { type: "registered", publicKey, session: this.settings.name(), keepAliveS: keepAliveMs / 1000 });
    this.intents.push({ want: "joined", key: publicKey });
  }

  /** The socket is gone. */
  closed(id: ConnectionId): void {
    const connection = this.connections.get(id);
    if (connection !== undefined) this.forget(connection);
  }

  advance(nowMs: number): void {
    this.calls.advance(nowMs);
    for (const connection of [...this.connections.values()]) {
      if (connection.challenge !== undefined && nowMs >= connection.challenge.byMs) this.refuse(connection, "challenge_expired");
      else if (nowMs >= connection.pingAtMs && nowMs < connection.silentByMs) {
        connection.pingAtMs = nowMs + keepAliveMs;
        this.intents.push({ want: "ping", connection: connection.id });
      } else if (nowMs < connection.silentByMs) continue;
      else if (connection.isCompatible && this.unregistered.has(connection)) this.compatible.fail(connection.id, "time-out");
      else this.drop(connection, "silent");
    }
    for (const [address, bucket] of this.addresses) if (bucket.isFull(nowMs)) this.addresses.delete(address);
  }

  /** Everybody is told. */
  shutDown(): void {
    for (const connection of [...this.connections.values()]) {
      if (connection.isCompatible) this.drop(connection, "shutting_down");
      else this.refuse(connection, "shutting_down");
    }
  }

  private heardOf(connection: Connection, nowMs: number): void {
    connection.silentByMs = nowMs + silenceMs;
    connection.pingAtMs = nowMs + keepAliveMs;
  }

  private withConnection(id: ConnectionId, then: (connection: Connection) => void): void {
    const connection = this.connections.get(id);
    if (connection !== undefined) then(connection);
  }

  private bucketOf(address: string, nowMs: number): TokenBucket {
    let bucket = this.addresses.get(address);
    if (bucket !== undefined) return bucket;
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
    if (challenge.workBits > 0 && frame.workNonce === undefined) return this.refuse(connection, "pow_required");
    connection.isVerifying = true;
    this.intents.push({ want: "verify", connection: connection.id, frame, challenge: challenge.value, workBits: challenge.workBits });
  }

  /** Presence is seen by those only who watch each other. */
  private watch(connection: Connection, own: PublicKey, keys: readonly PublicKey[]): void {
    const asked = new Map(keys.map((key) => [key.text, key])); // equal ones count once
    asked.delete(own.text);
    const more = [...asked.keys()].filter((text) => !connection.watched.has(text)).length;
    if (connection.watched.size + more > maxWatchedKeys) return this.say(connection, { type: "error", code: "rate_limited", fatal: false });
    for (const key of asked.values()) {
      const isNew = !connection.watched.has(key.text);
      connection.watched.set(key.text, key);
      const other = this.byKey.get(key.text);
      const isMutual = other?.watched.has(own.text) === true;
      this.say(connection, { type: "presence", key, online: isMutual });
      if (isMutual && isNew) this.say(other, { type: "presence", key: own, online: true });
    }
  }

  private unwatch(connection: Connection, own: PublicKey, keys: readonly PublicKey[]): void {
    for (const key of keys) if (connection.watched.delete(key.text)) this.tellGone(own, key);
  }

  private tellGone(own: PublicKey, watcher: PublicKey): void {
    const other = this.byKey.get(watcher.text);
    if (other?.watched.has(own.text) === true) this.say(other, { type: "presence", key: own, online: false });
  }

  private say(connection: Connection, frame: ServerFrame): void {
    this.intents.push({ want: "send", connection: connection.id, frame });
  }

  private refuse(connection: Connection, code: RegistryErrorCode): void {
    this.say(connection, { type: "error", code, fatal: true });
    this.drop(connection, code);
  }

  private drop(connection: Connection, reason: string): void {
    this.forget(connection);
    this.intents.push({ want: "close", connection: connection.id, reason });
  }

  private forget(connection: Connection): void {
    const { id, key } = connection;
    this.connections.delete(id);
    this.unregistered.delete(connection);
    if (connection.isCompatible) this.compatible.left(id);
    if (key === undefined || this.byKey.get(key.text) !== connection) return;
    this.byKey.delete(key.text);
    this.calls.left(key);
    for (const watched of connection.watched.values()) this.tellGone(key, watched);
    this.intents.push({ want: "left", key });
  }
}
