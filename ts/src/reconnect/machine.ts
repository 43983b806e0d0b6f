// The life of a connection that is tried again: states, attempts, waits.
// Layer reconnect. Told what happened and the time, it answers with intents; it opens nothing and draws no random numbers of
// its own. testdata/reconnect_cases.json is its table of cases, which C++ shares.

import { isRetryable, superseded } from "./failure.js";
import { checkSettings, reconnectDefaults, reconnectDelayMs, type ReconnectSettings, type SourceKind, type WholeSettings } from "./settings.js";

/** What a supervised connection looks like: there is a session only while `connected`; `error` means given up. */
export type ConnectionStatus = "disconnected" | "connecting" | "connected" | "error";

/** Names one attempt, and the session that came of it. Never used twice by a machine. */
export type AttemptId = number;

/** A failed attempt, or a lost session. `draining`: the other side announced that it is going away. */
export interface AttemptFailure {
  readonly error: unknown;
  readonly draining: boolean;
}

type ReconnectEventCode = "reconnect_attempt" | "reconnect_retry_attempt" | "reconnect_scheduled" | "reconnect_connected" | "reconnect_exhausted";

/** What the machine wants, in this order. */
export type ReconnectIntent =
  /** Get an artifact and connect with it. */
  | { readonly want: "begin"; readonly id: AttemptId; readonly attemptSeq: number }
  /** Cancel the attempt under way. Its outcome is still reported, and changes nothing. */
  | { readonly want: "abandon"; readonly id: AttemptId }
  /** Close the session that was published. */
  | { readonly want: "close"; readonly id: AttemptId }
  /** Close a session that came too late, unpublished. */
  | { readonly want: "discard"; readonly id: AttemptId }
  /** The state is another one now. */
  | { readonly want: "publish" }
  /** An event of stage reconnect for the observer. */
  | { readonly want: "tell"; readonly code: ReconnectEventCode; readonly result: "ok" | "fail" | "retry"; readonly attemptSeq: number }
  /** Complete everybody who waits for the outcome of this run. No error: a session is there. */
  | { readonly want: "answer"; readonly run: number; readonly error: unknown; readonly superseded: boolean };

/** What connectIfNeeded found. */
export type Joining = "started" | "waiting" | "connected";

export class ReconnectMachine {
  private settings: WholeSettings = reconnectDefaults;
  private current: { status: ConnectionStatus; error: unknown } = { status: "disconnected", error: undefined };
  private seq = 0;
  private runs = 0;
  private lastId = 0;
  /** Those that count. */
  private failedInCycle = 0;
  private isFirstOfCycle = true;
  /** The attempt under way, or the next, comes before its time: it is an extra one. */
  private isEarly = false;
  private attempting: AttemptId | undefined;
  private session: AttemptId | undefined;
  private wakeMs: number | undefined;
  private spreading = false;
  private readonly intents: ReconnectIntent[] = [];

  /** `unit` draws numbers, uniform in 0..1: one for each wait, and a second one when there was a hint. */
  constructor(private readonly unit: () => number) {}

  get status(): ConnectionStatus {
    return this.current.status;
  }

  /** connecting: the last failure, if there was one; error: the final one. */
  get error(): unknown {
    return this.current.error;
  }

  /** The session that is published. */
  get connected(): AttemptId | undefined {
    return this.session;
  }

  /** The attempt under way or the last one; 0 before the first. */
  get attemptSeq(): number {
    return this.seq;
  }

  /** How many times connect() has begun; names what goes on since the last. */
  get run(): number {
    return this.runs;
  }

  /** When advance() has something to do. */
  get deadline(): number | undefined {
    return this.wakeMs;
  }

  pollIntent(): ReconnectIntent | undefined {
    return this.intents.shift();
  }

  /** Replaces whatever there is. Throws as checkSettings; nothing changes then. */
  connect(settings: ReconnectSettings, source: SourceKind): void {
    const checked = checkSettings(settings, source);
    this.dropEverything(superseded(), true);
    this.settings = checked;
    this.seq = 0;
    this.runs++;
    this.become("connecting");
    this.beginAttempt();
  }

  /** The same unless a run with the same configuration is under way or has succeeded. */
  connectIfNeeded(settings: ReconnectSettings, source: SourceKind, same: boolean): Joining {
    checkSettings(settings, source);
    if (same && this.status === "connected") return "connected";
    if (same && this.status === "connecting") return "waiting";
    this.connect(settings, source);
    return "started";
  }

  disconnect(): void {
    this.dropEverything(superseded(), true);
    this.seq = 0;
    if (this.status !== "disconnected") this.become("disconnected");
  }

  attemptSucceeded(id: AttemptId): void {
    if (this.attempting !== id) {
      this.intents.push({ want: "discard", id });
      return;
    }
    this.attempting = undefined;
    this.session = id;
    this.beginCycle();
    this.become("connected");
    this.tell("reconnect_connected", "ok");
    this.answer(undefined, false);
  }

  attemptFailed(id: AttemptId, failure: AttemptFailure, nowMs: number): void {
    if (this.attempting !== id) return;
    this.attempting = undefined;
    if (!this.isEarly) this.failedInCycle++;
    this.isEarly = false;
    const { enabled, maxAttempts } = this.settings;
    if (!enabled || !isRetryable(failure.error) || this.failedInCycle >= maxAttempts) {
      this.become("error", failure.error);
      this.tell("reconnect_exhausted", "fail");
      this.answer(failure.error, false);
      return;
    }
    this.become("connecting", failure.error);
    this.schedule(failure.draining, nowMs);
  }

  /** The wait comes before the new cycle, so that a server that restarts is not met by everybody at once. */
  sessionLost(id: AttemptId, failure: AttemptFailure, nowMs: number): void {
    if (this.session !== id) return;
    this.session = undefined;
    this.intents.push({ want: "close", id });
    const goesOn = this.settings.enabled && isRetryable(failure.error);
    this.become(goesOn ? "connecting" : "error", failure.error);
    if (goesOn) this.schedule(failure.draining, nowMs);
  }

  /** A session could not be closed: whatever goes on is given up, also what was wanted after the close. */
  closeFailed(error: unknown): void {
    this.intents.length = 0;
    this.dropEverything(error, false);
    this.become("error", error);
  }

  advance(nowMs: number): void {
    if (this.wakeMs === undefined || nowMs < this.wakeMs) return;
    this.wakeMs = undefined;
    this.beginAttempt();
  }

  /** There is reason to hope: ends the wait, except one that spreads a herd. If the attempt fails it has used up none. */
  hurry(nowMs: number): void {
    if (this.wakeMs !== undefined && this.wakeMs > nowMs && !this.spreading) {
      this.wakeMs = nowMs;
      this.isEarly = true;
    }
    this.advance(nowMs);
  }

  private beginCycle(): void {
    this.failedInCycle = 0;
    this.isFirstOfCycle = true;
    this.isEarly = false;
  }

  private beginAttempt(): void {
    this.seq++;
    this.attempting = ++this.lastId;
    this.tell(this.isFirstOfCycle ? "reconnect_attempt" : "reconnect_retry_attempt", "retry");
    this.isFirstOfCycle = false;
    this.intents.push({ want: "begin", id: this.attempting, attemptSeq: this.seq });
  }

  private schedule(draining: boolean, nowMs: number): void {
    const wait = reconnectDelayMs(this.settings, Math.max(0, this.failedInCycle - 1), this.unit());
    const spread = draining ? Math.round(this.settings.drainSpreadMs * this.unit()) : 0;
    this.spreading = draining && this.settings.drainSpreadMs > 0;
    this.wakeMs = nowMs + wait + spread;
    this.tell("reconnect_scheduled", "retry");
  }

  /** The order in which a run ends: whoever waits is told, then nothing of it goes on. */
  private dropEverything(told: unknown, isSuperseded: boolean): void {
    const { attempting, session } = this;
    const isWaitedFor = attempting !== undefined || this.wakeMs !== undefined;
    this.attempting = this.session = this.wakeMs = undefined;
    this.beginCycle();
    if (attempting !== undefined) this.intents.push({ want: "abandon", id: attempting });
    if (session !== undefined) this.intents.push({ want: "close", id: session });
    if (isWaitedFor) this.answer(told, isSuperseded);
  }

  private become(status: ConnectionStatus, error?: unknown): void {
    this.current = { status, error };
    this.intents.push({ want: "publish" });
  }

  private tell(code: ReconnectEventCode, result: "ok" | "fail" | "retry"): void {
    this.intents.push({ want: "tell", code, result, attemptSeq: this.seq });
  }

  private answer(error: unknown, isSuperseded: boolean): void {
    this.intents.push({ want: "answer", run: this.runs, error, superseded: isSuperseded });
  }
}
