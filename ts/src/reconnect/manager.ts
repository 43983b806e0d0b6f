// Performs what the reconnect machine wants: connects, watches, waits, closes, and tells.
// Layer reconnect.

import { deferred, quietly, systemClock, type CancelTimer, type Clock, type Deferred } from "../base/index.js";
import { emitObserverDiagnostic } from "../observability/observer.js";
import { RpcProxy } from "../rpc/proxy.js";
import type { Client } from "../session/index.js";
import { Attempt } from "./attempt.js";
import { pageSurroundings } from "./browser/page.js";
import type { ConnectConfig, SupervisedClient } from "./config.js";
import { isDraining } from "./failure.js";
import { ReconnectMachine, type AttemptId, type ReconnectIntent } from "./machine.js";
import { checkSettings, sameSettings } from "./settings.js";
import type { Surroundings } from "./surroundings.js";

/** A snapshot. `error`: while connecting the last failure or loss, if there was one; in state error why it was given up. */
export type ConnectionState<C extends SupervisedClient = Client> =
  | { readonly status: "disconnected"; readonly error?: undefined; readonly client?: undefined }
  | { readonly status: "connecting"; readonly error?: unknown; readonly client?: undefined }
  | { readonly status: "connected"; readonly error?: undefined; readonly client: C }
  | { readonly status: "error"; readonly error: unknown; readonly client?: undefined };

/** A connection that comes back: at most one session at a time, and another one when it is lost. */
export interface ReconnectManager<C extends SupervisedClient = Client> {
  /** Over the session of the moment: subscriptions hear every session, calls without one fail with RpcProxyDetachedError. */
  readonly rpc: RpcProxy;
  /** How things stand: status, and the client or the error that belong to it. The same object until something changes. */
  state(): ConnectionState<C>;
  /** Calls with the state as it is, then with every change. What it throws, or rejects with, is swallowed. Returns what ends it. */
  subscribe(listener: (state: ConnectionState<C>) => void): () => void;
  /**
   * Replaces whatever there is. Resolves with the first session, and when another connect or a disconnect comes first: state()
   * tells. Rejects with the error of the last attempt; with validate/invalid_option for bad settings, nothing has changed then;
   * with what closing the old session threw.
   */
  connect(config: ConnectConfig<C>): Promise<void>;
  /** The same unless a connect with the same function, observer and settings is under way or has succeeded, which is then shared. */
  connectIfNeeded(config: ConnectConfig<C>): Promise<void>;
  /** Ends the wait, the attempt, the session, at once. Nothing is acquired any more. Throws what closing the session threw. */
  disconnect(): void;
}

/** For tests. */
export interface ReconnectManagerOptions {
  readonly clock?: Clock | undefined;
  /** Uniform in 0..1. */
  readonly random?: (() => number) | undefined;
}

/** Disconnected. */
export function createReconnectManager<C extends SupervisedClient = Client>(options: ReconnectManagerOptions = {}): ReconnectManager<C> {
  return new Manager<C>(options.clock ?? systemClock, options.random ?? Math.random);
}

class Manager<C extends SupervisedClient> implements ReconnectManager<C> {
  readonly rpc = new RpcProxy();
  private readonly machine: ReconnectMachine;
  private current: ConnectionState<C> = { status: "disconnected" };
  private config: ConnectConfig<C> | undefined;
  private latest: Attempt<C> | undefined;
  private latestSeq = 0;
  /** Under way, abandoned but not over, or the published session. */
  private readonly attempts = new Map<AttemptId, Attempt<C>>();
  /** Who waits for the outcome, by run. */
  private readonly outcomes = new Map<number, Deferred<void>>();
  private readonly listeners = new Set<{ readonly listener: (state: ConnectionState<C>) => void }>();
  private readonly news: ConnectionState<C>[] = [];
  private isPerforming = false;
  private isNotifying = false;
  private armedFor: number | undefined;
  private cancelTimer: CancelTimer = () => {};
  private surroundings: Surroundings | undefined;
  private stopWatching: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    random: () => number,
  ) {
    this.machine = new ReconnectMachine(random);
  }

  state(): ConnectionState<C> {
    return this.current;
  }

  subscribe(listener: (state: ConnectionState<C>) => void): () => void {
    const entry = { listener };
    this.listeners.add(entry);
    quietly(() => listener(this.current)); // a listener's failure is its own
    return () => void this.listeners.delete(entry);
  }

  async connect(config: ConnectConfig<C>): Promise<void> {
    return this.start(config, false);
  }

  async connectIfNeeded(config: ConnectConfig<C>): Promise<void> {
    return this.start(config, this.isSame(config));
  }

  disconnect(): void {
    this.machine.disconnect();
    this.perform();
    if (this.machine.status === "error") throw this.machine.error;
  }

  private start(config: ConnectConfig<C>, isSame: boolean): Promise<void> {
    const { machine } = this;
    const found = machine.connectIfNeeded(config.autoReconnect ?? {}, sourceOf(config), isSame);
    if (found === "connected") return Promise.resolve();
    if (found === "started") {
      this.config = config;
      this.latest = undefined;
      this.unwatch();
      const isIgnored = config.surroundings === false || config.autoReconnect?.enabled !== true;
      this.surroundings = isIgnored ? undefined : config.surroundings || pageSurroundings();
      this.outcomes.set(machine.run, deferred());
    }
    const { run } = machine;
    const outcome = this.outcomes.get(run) ?? this.joined(run);
    this.perform();
    return outcome.promise;
  }

  /** Joining a cycle that follows a loss: whoever connected first has been answered long ago. */
  private joined(run: number): Deferred<void> {
    const outcome = deferred<void>();
    this.outcomes.set(run, outcome);
    return outcome;
  }

  private isSame(config: ConnectConfig<C>): boolean {
    const { config: known } = this;
    if (known === undefined || known.connectOnce !== config.connectOnce || known.observer !== config.observer) return false;
    return sameSettings(checkSettings(known.autoReconnect, sourceOf(known)), checkSettings(config.autoReconnect, sourceOf(config)));
  }

  /** Not re-entrant: what an intent changes is picked up by the loop that is running. Listeners come after it. */
  private perform(): void {
    if (this.isPerforming) return;
    this.isPerforming = true;
    for (let next = this.machine.pollIntent(); next !== undefined; next = this.machine.pollIntent()) this.carryOut(next);
    this.isPerforming = false;
    this.setTimer();
    this.watchSurroundings();
    this.notify();
  }

  private carryOut(intent: ReconnectIntent): void {
    switch (intent.want) {
      case "begin":
        return void this.begin(intent.id, intent.attemptSeq);
      case "abandon":
        return this.attempts.get(intent.id)?.abandon();
      case "close":
        return this.close(intent.id);
      case "discard":
        return this.discard(intent.id);
      case "publish":
        return this.publish();
      case "tell":
        return emitObserverDiagnostic(this.attemptOf(intent.attemptSeq).observer, { stage: "reconnect", code: intent.code, result: intent.result });
      case "answer": {
        const outcome = this.outcomes.get(intent.run);
        this.outcomes.delete(intent.run);
        if (intent.error === undefined || intent.superseded) return outcome?.resolve();
        // Nobody may be waiting: the cycle may follow a loss.
        return outcome?.reject(intent.error);
      }
    }
  }

  /** Events of an attempt begin before the attempt does. */
  private attemptOf(attemptSeq: number): Attempt<C> {
    if (this.latest === undefined || this.latestSeq !== attemptSeq) {
      this.latest = new Attempt(this.config?.observer, attemptSeq, this.latest);
      this.latestSeq = attemptSeq;
    }
    return this.latest;
  }

  private async begin(id: AttemptId, attemptSeq: number): Promise<void> {
    const attempt = this.attemptOf(attemptSeq);
    this.attempts.set(id, attempt);
    try {
      const { signal, identify } = attempt;
      const told = { signal, identify, get observer() { return attempt.observer; } };
      attempt.client = await (this.config as ConnectConfig<C>).connectOnce(told);
    } catch (thrown) {
      this.attempts.delete(id);
      this.machine.attemptFailed(id, failed(thrown), this.clock.monoMs());
      return this.perform();
    }
    this.machine.attemptSucceeded(id);
    this.perform();
  }

  private publish(): void {
    const { status, error, connected } = this.machine;
    const client = connected === undefined ? undefined : this.attempts.get(connected)?.client;
    if (connected !== undefined && client !== undefined) {
      if (client.rpc !== undefined) this.rpc.attach(client.rpc);
      this.attempts.get(connected)?.watch((why) => {
        this.machine.sessionLost(connected, failed(why), this.clock.monoMs());
        this.perform();
      });
    }
    if (client !== undefined) this.current = { status: "connected", client };
    else if (status === "error") this.current = { status, error };
    else if (status === "connecting") this.current = { status, ...(error !== undefined && { error }) };
    else this.current = { status: "disconnected" };
    this.news.push(this.current);
  }

  private close(id: AttemptId): void {
    const attempt = this.attempts.get(id);
    this.attempts.delete(id);
    this.rpc.detach();
    try {
      attempt?.close();
    } catch (thrown) {
      const { error } = failed(thrown);
      const lost = this.machine.error;
      this.machine.closeFailed(lost === undefined ? error : new AggregateError([lost, error], "lost, and closing failed"));
    }
  }

  /** Nobody has seen this session; how it closes is nobody's concern. */
  private discard(id: AttemptId): void {
    const attempt = this.attempts.get(id);
    this.attempts.delete(id);
    try {
      attempt?.close();
    } catch {
      // As said.
    }
  }

  private setTimer(): void {
    const { deadline } = this.machine;
    if (deadline === this.armedFor) return;
    this.cancelTimer();
    this.cancelTimer = () => {};
    this.armedFor = deadline;
    if (deadline === undefined) return;
    this.cancelTimer = this.clock.after(Math.max(0, deadline - this.clock.monoMs()), () => {
      // Without a network the wait goes on until there is one.
      if (this.surroundings?.isOnline() === false) return;
      this.armedFor = undefined;
      this.machine.advance(this.clock.monoMs());
      this.perform();
    });
  }

  private watchSurroundings(): void {
    const { status } = this.machine;
    if (status !== "connecting" && status !== "connected") return this.unwatch();
    this.stopWatching ??= this.surroundings?.watch(() => this.onBetter());
  }

  private unwatch(): void {
    this.stopWatching?.();
    this.stopWatching = undefined;
  }

  private onBetter(): void {
    const { connected } = this.machine;
    // A probe that fails ends the session, and that is noticed.
    if (connected !== undefined) this.attempts.get(connected)?.client?.probeLiveness?.().catch(() => {});
    if (this.surroundings?.isOnline() !== true) return;
    this.machine.hurry(this.clock.monoMs());
    this.perform();
  }

  private notify(): void {
    if (this.isNotifying) return;
    this.isNotifying = true;
    for (let state = this.news.shift(); state !== undefined; state = this.news.shift()) {
      for (const entry of [...this.listeners]) if (this.listeners.has(entry)) quietly(() => entry.listener(state));
    }
    this.isNotifying = false;
  }
}

/** A config names no source: those that yield once were refused when it was made. */
function sourceOf({ connectOnce }: { connectOnce: unknown }): "missing" | "refreshable" {
  return typeof connectOnce === "function" ? "refreshable" : "missing";
}

/** Whatever was thrown; nothing is no error. */
function failed(thrown: unknown): { error: unknown; draining: boolean } {
  return { error: thrown ?? new Error("failed without an error"), draining: isDraining(thrown) };
}
