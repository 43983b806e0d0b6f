// A reconnect manager on a clock that tests move, with clients that tests end and surroundings that tests change.
import assert from "node:assert/strict";
import { deferred, FlowersecError, type Deferred, type FlowersecErrorCode } from "../base/index.js";
import type { RpcCaller } from "../gen/flowersec_runtime.gen.js";
import type { DiagnosticEvent } from "../observability/events.js";
import type { ConnectAttempt, ConnectConfig, SupervisedClient } from "../reconnect/config.js";
import { createReconnectManager, type ConnectionState } from "../reconnect/manager.js";
import type { ReconnectSettings } from "../reconnect/settings.js";
import type { Surroundings } from "../reconnect/surroundings.js";
import { ManualClock } from "./manual_clock.js";
import { watch } from "./world.js";

export const errorOf = (code: FlowersecErrorCode, cause?: unknown) => new FlowersecError({ path: "direct", stage: "connect", code, cause });

export class FakeRpc implements RpcCaller {
  readonly handlers = new Map<number, Set<(payload: unknown) => void>>();
  async call(typeId: number) {
    return { payload: typeId };
  }
  async notify() {}
  onNotify(typeId: number, handler: (payload: unknown) => void) {
    const set = this.handlers.get(typeId) ?? new Set();
    this.handlers.set(typeId, set.add(handler));
    return () => void set.delete(handler);
  }
  get listening(): number {
    return [...this.handlers.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

export class FakeClient implements SupervisedClient {
  readonly rpc = new FakeRpc();
  readonly end = deferred<FlowersecError | undefined>();
  readonly rpcEnd = deferred<FlowersecError>();
  readonly ended: Promise<FlowersecError | undefined> = this.end.promise;
  readonly rpcEnded = this.rpcEnd.promise;
  closes = 0;
  probes = 0;
  closeError: Error | undefined;
  close() {
    this.closes++;
    if (this.closeError) throw this.closeError;
    this.end.resolve(undefined);
  }
  async probeLiveness() {
    this.probes++;
    return 1;
  }
}

/** As a wrapper that only closes: the observer has to tell how it ended. */
export class MuteClient implements SupervisedClient {
  closes = 0;
  close() {
    this.closes++;
  }
}

export class FakeSurroundings implements Surroundings {
  online = true;
  readonly watching = new Set<() => void>();
  isOnline() {
    return this.online;
  }
  watch(onBetter: () => void) {
    const entry = () => onBetter();
    this.watching.add(entry);
    return () => void this.watching.delete(entry);
  }
  better() {
    this.online = true;
    for (const each of [...this.watching]) each();
  }
}

interface Try<C> extends Deferred<C> {
  attempt: ConnectAttempt;
}

export function reconnectWorld<C extends SupervisedClient = FakeClient>(settings: ReconnectSettings = {}, units: number[] = []) {
  const clock = new ManualClock();
  const surroundings = new FakeSurroundings();
  const manager = createReconnectManager<C>({ clock, random: () => units.shift() ?? 0.5 });
  const tries: Try<C>[] = [];
  const events: DiagnosticEvent[] = [];
  const states: ConnectionState<C>[] = [];
  manager.subscribe((state) => void states.push(state));
  const config: ConnectConfig<C> = {
    connectOnce: (attempt) => {
      const outcome = deferred<C>();
      tries.push({ ...outcome, attempt });
      return outcome.promise;
    },
    observer: { onDiagnosticEvent: (event) => void (watch.look(event), events.push(event)) },
    autoReconnect: { enabled: true, maxAttempts: 3, initialDelayMs: 100, maxDelayMs: 1000, factor: 2, jitterRatio: 0, ...settings },
    surroundings,
  };
  const nth = (n: number) => tries[n] ?? assert.fail(`no attempt ${n}`);
  return {
    clock, surroundings, manager, tries, events, states, config, nth,
    /** Statuses seen since the last look, with the error's code. */
    seen: () => states.splice(0).map(({ status, error }) => (error === undefined ? status : `${status} ${error instanceof FlowersecError ? error.code : "other"}`)),
    told: () => events.splice(0).map(({ code, attempt_seq }) => `${code} ${attempt_seq}`),
    /** Connects with a client of this test. */
    async established(client: C): Promise<C> {
      const n = tries.length;
      const connecting = manager.connect(config);
      nth(n).resolve(client);
      await connecting;
      return client;
    },
    nothingLeft() {
      assert.equal(clock.pending, 0, "timers");
      assert.equal(surroundings.watching.size, 0, "listeners");
    },
  };
}
