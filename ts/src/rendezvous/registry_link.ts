// A client's registration with one registry, which is got back when it is lost.
// Layer rendezvous. Carries out what the machines want. Source: RENDEZVOUS, "Registration"; SECURE_WEBSOCKET, "Registries".

import type { Clock } from "../base/index.js";
import type { DialOptions } from "../endpoint/options.js";
import { findWork, proveRegistration, type Identity, type PublicKey } from "../identity/index.js";
import { pageSurroundings } from "../reconnect/browser/page.js";
import { isDraining } from "../reconnect/failure.js";
import { ReconnectMachine, type AttemptId } from "../reconnect/machine.js";
import type { ReconnectSettings } from "../reconnect/settings.js";
import type { Surroundings } from "../reconnect/surroundings.js";
import { Alarm } from "./alarm.js";
import { isFinal, RendezvousError } from "./error.js";
import { encodeClientFrame, type ClientFrame } from "./frames.js";
import type { TextLink } from "./frame_stream.js";
import { RegistrationMachine, type CallFrame } from "./registration_machine.js";
import { nameFailure, openRegistry, type RegistryTransport } from "./registry_connection.js";

/** `failed`: nothing is tried any more, until retry(). */
export type RegistryState = "connecting" | "registered" | "failed" | "closed";

export interface RegistryLinkSettings {
  readonly url: string;
  readonly pins: readonly PublicKey[];
  readonly transport: RegistryTransport;
  readonly identity: Identity;
  readonly instance: Uint8Array;
  readonly replace: boolean;
  readonly timeoutMs: number;
  readonly reconnect: ReconnectSettings;
  readonly dial: DialOptions;
  readonly clock: Clock;
}

/** What is heard of a registry. */
export interface RegistryEvents {
  onState(state: RegistryState, error: RendezvousError | undefined): void;
  onCall(frame: CallFrame): void;
}

interface Attempt {
  readonly id: AttemptId;
  readonly abort: AbortController;
  link?: TextLink;
  machine?: RegistrationMachine;
}

export class RegistryLink {
  private readonly attempts: ReconnectMachine;
  private readonly surroundings: Surroundings | undefined = pageSurroundings();
  private pins: readonly PublicKey[];
  private attempt: Attempt | undefined;
  private current: RegistryState = "connecting";
  private replace: boolean;
  private readonly alarm: Alarm;
  private stopWatching: (() => void) | undefined;

  constructor(
    private readonly settings: RegistryLinkSettings,
    private readonly events: RegistryEvents,
  ) {
    this.pins = settings.pins;
    this.replace = settings.replace;
    this.attempts = new ReconnectMachine(Math.random);
    this.alarm = new Alarm(settings.clock, (nowMs) => {
      this.attempts.advance(nowMs);
      this.attempt?.machine?.advance(nowMs);
      if (this.attempt) this.perform(this.attempt);
      this.settle();
    });
  }

  get state(): RegistryState {
    return this.current;
  }

  get url(): string {
    return this.settings.url;
  }

  /** Begins, or begins anew after a failure. Throws FlowersecError for settings that cannot be. */
  start(): void {
    this.stopWatching ??= this.surroundings?.watch(() => this.hurry());
    this.attempts.connect({ enabled: true, maxAttempts: 100, ...this.settings.reconnect }, "refreshable");
    this.become("connecting", undefined);
    this.settle();
  }

  /** Without effect unless registered. */
  send(frame: ClientFrame): void {
    if (this.current === "registered") this.attempt?.link?.send(encodeClientFrame(frame));
  }

  close(): void {
    this.end("closed", undefined);
  }

  private hurry(): void {
    this.attempts.hurry(this.settings.clock.monoMs());
    this.settle();
  }

  private settle(): void {
    for (let next = this.attempts.pollIntent(); next !== undefined; next = this.attempts.pollIntent()) {
      if (next.want === "begin") void this.begin(next.id);
    }
    this.alarm.set(this.surroundings?.isOnline() === false ? undefined : this.attempts.deadline, this.attempt?.machine?.deadline);
  }

  private async begin(id: AttemptId): Promise<void> {
    const { url, transport, dial, clock, identity, instance, timeoutMs } = this.settings;
    const attempt: Attempt = { id, abort: new AbortController() };
    this.attempt = attempt;
    const lost = (error: unknown) => this.lost(attempt, nameFailure(error), error);
    const early: string[] = [];
    const heard = (text: string) => {
      if (attempt.machine === undefined) return void early.push(text);
      attempt.machine.text(text, clock.monoMs());
      this.perform(attempt);
      this.settle();
    };
    try {
      const [pin] = this.pins;
      const link = await openRegistry(url, transport, pin as PublicKey, { ...dial, clock, signal: attempt.abort.signal }, {
        onText: heard,
        onLost: lost,
      });
      if (this.attempt !== attempt) return link.close();
      attempt.link = link;
      attempt.machine = new RegistrationMachine({ publicKey: identity.publicKey, pins: this.pins, instance, replace: this.replace, timeoutMs }, clock.monoMs());
      this.settle();
      early.forEach(heard);
    } catch (error) {
      lost(error);
    }
  }

  private perform(attempt: Attempt): void {
    const { machine } = attempt;
    if (machine === undefined) return;
    for (let next = machine.pollIntent(); next !== undefined && this.attempt === attempt; next = machine.pollIntent()) {
      if (next.want === "send") attempt.link?.send(encodeClientFrame(next.frame));
      else if (next.want === "prove") void this.prove(attempt, machine, next);
      else if (next.want === "call") this.events.onCall(next.frame);
      else if (next.want === "fail") this.lost(attempt, new RendezvousError(next.code), undefined);
      else {
        this.replace = false; // once is what was asked for; our own process takes over silently
        this.attempts.attemptSucceeded(attempt.id);
        this.become("registered", undefined);
      }
    }
  }

  private async prove(attempt: Attempt, machine: RegistrationMachine, asked: { registryKey: PublicKey; challenge: Uint8Array; workBits: number }): Promise<void> {
    const { identity, clock } = this.settings;
    try {
      const nonce = asked.workBits > 0 ? await findWork(asked.challenge, identity.publicKey, asked.workBits, { signal: attempt.abort.signal }) : undefined;
      const proof = await proveRegistration(identity, asked.registryKey, asked.challenge, this.replace);
      machine.proved(proof, nonce, clock.monoMs());
      this.perform(attempt);
      this.settle();
    } catch (error) {
      this.lost(attempt, new RendezvousError("handshake_failed", undefined, { cause: error }), error);
    }
  }

  private lost(attempt: Attempt, error: RendezvousError, cause: unknown): void {
    if (this.attempt !== attempt) return;
    this.drop();
    // Said before anything was authenticated: whoever is on the way can say so as well, and another key may do.
    const isUnsealed = error.code === "unknown_registry_key" && cause !== undefined;
    if (isUnsealed) this.pins = [...this.pins.slice(1), this.pins[0] as PublicKey];
    const nowMs = this.settings.clock.monoMs();
    const failure = { error, draining: error.code === "shutting_down" || isDraining(cause) };
    if (!isUnsealed && isFinal(error.code)) return this.end("failed", error);
    if (this.current === "registered") this.attempts.sessionLost(attempt.id, failure, nowMs);
    else this.attempts.attemptFailed(attempt.id, failure, nowMs);
    if (this.attempts.status === "error") return this.end("failed", error);
    this.become("connecting", error);
    this.settle();
  }

  private drop(): void {
    const { attempt } = this;
    this.attempt = undefined;
    attempt?.abort.abort();
    attempt?.link?.close();
  }

  private end(state: "failed" | "closed", error: RendezvousError | undefined): void {
    if (this.current === "closed") return;
    this.drop();
    this.attempts.disconnect();
    this.stopWatching?.();
    this.stopWatching = undefined;
    this.settle();
    this.become(state, error);
  }

  private become(state: RegistryState, error: RendezvousError | undefined): void {
    if (this.current === state && error === undefined) return;
    this.current = state;
    this.events.onState(state, error);
  }
}

