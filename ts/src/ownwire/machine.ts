// The life of a chat: connections that come and go under one session, texts and replies that outlive them.
// Layer ownwire. Told what happened and the time, it answers with intents; it opens nothing. Attempts, waits and giving up are
// ReconnectMachine's. Source: PROTOCOL, "OwnWire, chat stream".

import { ReconnectMachine, type AttemptId } from "../reconnect/machine.js";
import type { ReconnectSettings } from "../reconnect/settings.js";
import { OwnwireError, type OwnwireErrorCode } from "./error.js";
import type { GatewayFrame, UserFrame } from "./frames.js";
import { maxContentBytes, welcomeTimeoutMs } from "./limits.js";
import { encodeSaved, type SavedChat } from "./saved.js";
import { PendingTexts } from "./texts.js";

/** `idle` before the first connect(); `reconnecting`: there was a session, and it is got back; `closed`: the end. */
export type OwnwireState = "idle" | "connecting" | "open" | "reconnecting" | "closed";

/** `queued` until it is sent; `delivered`: the gateway has handed it to the backend; `failed`: nobody will get it from here any more. */
export type DeliveryStatus = "queued" | "sent" | "delivered" | "failed";

/** Completes a connect(): that one, though by now the chat may be on its next. */
export type ChatAnswer = (error: OwnwireError | undefined) => void;

/** What the machine wants, in this order. */
export type ChatIntent =
  /** Open a connection and a stream on it. */
  | { readonly want: "dial"; readonly attempt: AttemptId }
  /** Close whatever there is of it. What it still says changes nothing. */
  | { readonly want: "drop"; readonly attempt: AttemptId }
  | { readonly want: "send"; readonly attempt: AttemptId; readonly frame: UserFrame }
  /** Close it behind its bye, when the gateway has ended it. */
  | { readonly want: "leave"; readonly attempt: AttemptId }
  /** Keep this, or nothing, before anything that follows is sent. */
  | { readonly want: "save"; readonly text: string | null }
  /** Complete connect(). */
  | { readonly want: "answer"; readonly answer: ChatAnswer; readonly error: OwnwireError | undefined }
  | { readonly want: "state"; readonly state: OwnwireState }
  | { readonly want: "open"; readonly sessionId: string; readonly resumed: boolean }
  | { readonly want: "message"; readonly content: string; readonly sessionId: string; readonly seq: number; readonly metadata: string | undefined }
  | { readonly want: "delivery"; readonly id: number; readonly status: DeliveryStatus }
  | { readonly want: "typing"; readonly on: boolean }
  | { readonly want: "error"; readonly error: OwnwireError }
  | { readonly want: "close"; readonly error: OwnwireError | undefined };

/** What a chat is set up with. */
export interface ChatSettings {
  readonly metadata: string | undefined;
  readonly auth: string | undefined;
  readonly reconnect: ReconnectSettings;
  readonly maxQueue: number;
  readonly saved: SavedChat | undefined;
}

interface Connection {
  readonly attempt: AttemptId;
  readonly welcomeByMs: number | undefined;
}

/** Trying the same again cannot help. */
const finalCodes: ReadonlySet<OwnwireErrorCode> = new Set(["invalid_key", "session_taken", "metadata_too_large", "content_too_large"]);

export class ChatMachine {
  metadata: string | undefined;
  /** Without a network no attempt begins. */
  online = true;
  private readonly attempts: ReconnectMachine;
  private texts: PendingTexts;
  private readonly intents: ChatIntent[] = [];
  private current: OwnwireState = "idle";
  /** The attempt that has no stream yet. */
  private dialing: AttemptId | undefined;
  private connection: Connection | undefined;
  private session: { token: string; id: string; lastSeq: number } | undefined;
  private answer: ChatAnswer = () => {};
  private wasOpen = false;
  private isEnded = false;
  private maxBytes = maxContentBytes;

  /** `unit` draws numbers, uniform in 0..1, for the waits. */
  constructor(
    private readonly settings: ChatSettings,
    unit: () => number,
  ) {
    const { saved, metadata } = settings;
    this.metadata = metadata;
    this.attempts = new ReconnectMachine(unit);
    this.texts = new PendingTexts(saved);
    this.session = sessionOf(saved);
  }

  get state(): OwnwireState {
    return this.current;
  }

  /** Of the texts that are neither delivered nor failed, in order. */
  get pending(): readonly number[] {
    return this.texts.all.map(({ id }) => id);
  }

  /** When advance() has something to do. */
  get deadline(): number | undefined {
    const { connection, texts, attempts } = this;
    const isOpen = this.current === "open";
    const all = [this.online ? attempts.deadline : undefined, connection?.welcomeByMs, ...(isOpen ? [texts.ackDeadline, texts.paceDeadline] : [])];
    const set = all.filter((each) => each !== undefined);
    return set.length === 0 ? undefined : Math.min(...set);
  }

  pollIntent(): ChatIntent | undefined {
    return this.intents.shift();
  }

  /** Begins unless it has begun. */
  connect(answer: ChatAnswer = () => {}): void {
    if (this.current !== "idle" && this.current !== "closed") return;
    this.answer = answer;
    this.isEnded = this.wasOpen = false;
    this.attempts.connect(this.settings.reconnect, "refreshable");
    this.settle();
  }

  /** Takes a text, of which somebody has checked that there is one. Throws OwnwireError closed, queue_full, content_too_large. */
  send(content: string, bytes: number, nowMs: number): number {
    if (this.current === "closed") throw new OwnwireError("closed");
    if (bytes > this.maxBytes) throw new OwnwireError("content_too_large", { message: `at most ${this.maxBytes} bytes` });
    if (this.texts.all.length >= this.settings.maxQueue) throw new OwnwireError("queue_full");
    const { id } = this.texts.add(content);
    this.delivery(id, "queued");
    if (this.current === "open") this.pump(nowMs);
    else this.save();
    return id;
  }

  /** The user types, or stopped to. Said only while there is a session. */
  typing(on: boolean): void {
    if (this.current === "open" && this.connection) this.say(this.connection.attempt, { type: "typing", on });
  }

  /** The user ends the session. */
  close(): void {
    if (this.current === "closed") return;
    const { connection } = this;
    if (connection && this.current === "open") {
      this.say(connection.attempt, { type: "bye" });
      this.intents.push({ want: "leave", attempt: connection.attempt });
      this.connection = undefined;
    }
    this.session = undefined;
    this.end(undefined);
  }

  /** The page goes away: the connection ends, and the session and its texts stay for whoever has what was saved, if it `isKept`. */
  detach(isKept = true): void {
    if (this.current === "closed") return;
    this.save();
    // Without a session nothing can be saved.
    if (isKept && this.session !== undefined) this.texts.all.length = 0;
    this.end(undefined);
  }

  /** After detach(): goes on with what is saved now. Numbers of texts rise on. */
  restore(saved: SavedChat | undefined): void {
    const { lastId } = this.texts;
    this.texts = new PendingTexts(saved);
    this.texts.lastId = Math.max(this.texts.lastId, lastId);
    this.session = sessionOf(saved);
  }

  /** The stream of an attempt is there. */
  opened(attempt: AttemptId, nowMs: number): void {
    if (this.dialing !== attempt) return void this.intents.push({ want: "drop", attempt });
    this.dialing = undefined;
    this.connection = { attempt, welcomeByMs: nowMs + welcomeTimeoutMs };
    this.say(attempt, { type: "hello", metadata: this.metadata, resume: this.session?.token, auth: this.settings.auth });
  }

  /** What the gateway says. */
  frame(attempt: AttemptId, frame: GatewayFrame, nowMs: number): void {
    if (this.connection?.attempt !== attempt) return;
    const isOpen = this.connection.welcomeByMs === undefined;
    switch (frame.type) {
      case "unknown":
        return;
      case "error":
        return this.refused(attempt, frame, nowMs);
      case "welcome":
        return isOpen ? this.lost(attempt, new OwnwireError("invalid_frame"), false, nowMs) : this.welcome(attempt, frame, nowMs);
    }
    if (!isOpen) return this.lost(attempt, new OwnwireError("invalid_frame"), false, nowMs);
    if (frame.type === "typing") return void this.intents.push({ want: "typing", on: frame.on });
    if (frame.type === "ack") return this.settled(frame.id, "delivered");
    this.reply(attempt, frame);
  }

  /** An attempt failed, or a connection is gone. `draining`: the other side announced it. */
  lost(attempt: AttemptId, error: OwnwireError, draining: boolean, nowMs: number): void {
    const isOpen = this.connection?.attempt === attempt && this.connection.welcomeByMs === undefined;
    if (this.connection?.attempt !== attempt && this.dialing !== attempt) return;
    this.connection = this.dialing = undefined;
    this.intents.push({ want: "drop", attempt });
    for (const { id } of this.texts.disconnect()) this.delivery(id, "queued");
    if (finalCodes.has(error.code) || error.fatal) return this.end(error);
    if (isOpen) this.attempts.sessionLost(attempt, { error, draining }, nowMs);
    else this.attempts.attemptFailed(attempt, { error, draining }, nowMs);
    if (this.attempts.status === "error") return this.end(error);
    this.tell(error);
    this.settle();
  }

  advance(nowMs: number): void {
    const { connection } = this;
    if (this.online) this.attempts.advance(nowMs);
    if (connection !== undefined) {
      const isLate = nowMs >= (connection.welcomeByMs ?? Infinity);
      if (isLate) this.lost(connection.attempt, new OwnwireError("connect_timeout"), false, nowMs);
      else if (this.current === "open" && this.texts.isOverdue(nowMs)) this.lost(connection.attempt, new OwnwireError("ack_timeout"), false, nowMs);
      else if (this.current === "open") this.pump(nowMs);
    }
    this.settle();
  }

  /** There is reason to hope: ends a wait. */
  hurry(nowMs: number): void {
    this.attempts.hurry(nowMs);
    this.settle();
  }

  private welcome(attempt: AttemptId, frame: GatewayFrame & { type: "welcome" }, nowMs: number): void {
    const { sessionId, resumeToken, resumed, lastId } = frame;
    const lastSeq = resumed ? (this.session?.lastSeq ?? 0) : 0;
    this.session = { token: resumeToken, id: sessionId, lastSeq };
    this.connection = { attempt, welcomeByMs: undefined };
    this.maxBytes = Math.min(frame.maxContentBytes, maxContentBytes);
    if (resumed) this.texts.resume(lastId);
    else this.texts.startAnew(nowMs);
    this.wasOpen = true;
    this.save();
    this.attempts.attemptSucceeded(attempt);
    this.settle();
    this.intents.push({ want: "open", sessionId, resumed }, { want: "answer", answer: this.answer, error: undefined });
    // Replies that arrived before are not sent again; and the gateway learns that we have its new token.
    if (lastSeq > 0) this.say(attempt, { type: "received", seq: lastSeq });
    this.pump(nowMs);
  }

  private reply(attempt: AttemptId, { content, seq, metadata }: GatewayFrame & { type: "message" }): void {
    const { session } = this;
    if (session === undefined) return;
    if (seq > session.lastSeq) {
      session.lastSeq = seq;
      // The application has it before it counts as received.
      this.intents.push({ want: "message", content, seq, metadata, sessionId: session.id });
      this.save();
    }
    this.say(attempt, { type: "received", seq: session.lastSeq });
  }

  private refused(attempt: AttemptId, { code, id, fatal }: GatewayFrame & { type: "error" }, nowMs: number): void {
    if (fatal) {
      const isFinal = finalCodes.has(code) || code === "invalid_frame";
      return this.lost(attempt, new OwnwireError(code, { fatal: isFinal }), code === "shutting_down", nowMs);
    }
    if (id !== undefined) return this.settled(id, "failed", code);
    this.tell(new OwnwireError(code));
  }

  private settled(wireId: number, status: DeliveryStatus, code?: OwnwireErrorCode): void {
    const text = this.texts.settle(wireId);
    if (text === undefined) return; // settled before
    this.save();
    this.delivery(text.id, status);
    if (code !== undefined) this.tell(new OwnwireError(code, { id: text.id }));
  }

  /** Sends what may be sent. Numbers are kept before they are used: a page that is gone in between uses them again. */
  private pump(nowMs: number): void {
    const { connection } = this;
    if (connection === undefined) return;
    const due = this.texts.takeDue(nowMs);
    this.save();
    for (const { wireId, content, id } of due) {
      this.say(connection.attempt, { type: "message", id: wireId as number, content });
      this.delivery(id, "sent");
    }
  }

  /** It is over. Whatever was not acknowledged is not said to be sent. */
  private end(error: OwnwireError | undefined): void {
    const told = error === undefined || error.fatal ? error : new OwnwireError(error.code, { fatal: true, cause: error.cause });
    this.isEnded = true;
    const { connection } = this;
    if (connection) this.intents.push({ want: "drop", attempt: connection.attempt });
    this.connection = this.dialing = undefined;
    const unsettled = this.texts.all.splice(0);
    this.attempts.disconnect();
    this.settle();
    for (const { id } of unsettled) this.delivery(id, "failed");
    if (unsettled.length > 0 || this.session === undefined) this.save();
    if (told) this.tell(told);
    this.intents.push({ want: "close", error: told }, { want: "answer", answer: this.answer, error: told ?? new OwnwireError("closed") });
  }

  /** Carries over what the machine of attempts wants, and what follows for the state. */
  private settle(): void {
    for (let next = this.attempts.pollIntent(); next !== undefined; next = this.attempts.pollIntent()) {
      if (next.want === "begin") this.intents.push({ want: "dial", attempt: (this.dialing = next.id) });
      else if (next.want === "abandon" || next.want === "close" || next.want === "discard") this.intents.push({ want: "drop", attempt: next.id });
    }
    const state = this.isEnded ? "closed" : states[this.attempts.status](this.wasOpen);
    if (state === this.current) return;
    this.current = state;
    this.intents.push({ want: "state", state });
  }

  private save(): void {
    const { session, texts } = this;
    if (session === undefined) return void this.intents.push({ want: "save", text: null });
    const { lastId, lastWireId } = texts;
    const kept = texts.all.map(({ id, wireId, content }) => ({ id, wireId, content }));
    this.intents.push({ want: "save", text: encodeSaved({ resumeToken: session.token, sessionId: session.id, lastSeq: session.lastSeq, lastId, lastWireId, texts: kept }) });
  }

  private say(attempt: AttemptId, frame: UserFrame): void {
    this.intents.push({ want: "send", attempt, frame });
  }

  private delivery(id: number, status: DeliveryStatus): void {
    this.intents.push({ want: "delivery", id, status });
  }

  private tell(error: OwnwireError): void {
    this.intents.push({ want: "error", error });
  }
}

function sessionOf(saved: SavedChat | undefined): { token: string; id: string; lastSeq: number } | undefined {
  return saved && { token: saved.resumeToken, id: saved.sessionId, lastSeq: saved.lastSeq };
}

const states = {
  disconnected: () => "idle",
  connecting: (wasOpen) => (wasOpen ? "reconnecting" : "connecting"),
  connected: () => "open",
  error: () => "closed",
} as const satisfies Record<string, (wasOpen: boolean) => OwnwireState>;
