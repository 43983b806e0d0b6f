// Texts between send() and their end: numbered, sent, sent again, acknowledged or failed. In order, each at most once per session.
// Layer ownwire. No I/O; told the time. Source: PROTOCOL, "OwnWire, chat stream".

import { ackTimeoutMs, paceBurst, paceMs } from "./limits.js";
import type { SavedText } from "./saved.js";

/** One text. */
export interface PendingText {
  /** The application's number, which stays. */
  readonly id: number;
  readonly content: string;
  /** The session's number; undefined: not sent in it. */
  wireId: number | undefined;
  /** When it was sent on this connection. */
  sentAtMs: number | undefined;
  /** The gateway has said that it has it. It may wait there for somebody who takes it. */
  isTaken: boolean;
}

export class PendingTexts {
  readonly all: PendingText[];
  lastId: number;
  lastWireId: number;
  /** The gateway's bucket, as far as it can be known here. */
  private tokens = paceBurst;
  private filledAtMs = 0;

  constructor(saved: { readonly lastId: number; readonly lastWireId: number; readonly texts: readonly SavedText[] } | undefined) {
    this.lastId = saved?.lastId ?? 0;
    this.lastWireId = saved?.lastWireId ?? 0;
    this.all = (saved?.texts ?? []).map(({ id, wireId, content }) => ({ id, wireId, content, sentAtMs: undefined, isTaken: false }));
  }

  add(content: string): PendingText {
    const text = { id: ++this.lastId, content, wireId: undefined, sentAtMs: undefined, isTaken: false };
    this.all.push(text);
    return text;
  }

  /** Takes one out; undefined when there is none of this number. */
  settle(wireId: number): PendingText | undefined {
    const at = this.all.findIndex((text) => text.wireId === wireId);
    return at < 0 ? undefined : this.all.splice(at, 1)[0];
  }

  /** On a connection that goes on with the session: the gateway has seen ids up to `lastId`. */
  resume(lastId: number): void {
    this.lastWireId = Math.max(this.lastWireId, lastId);
    for (const text of this.all) text.isTaken = text.wireId !== undefined && text.wireId <= lastId;
  }

  /** In a session that knows nothing: everything is numbered anew. */
  startAnew(nowMs: number): void {
    this.lastWireId = 0;
    for (const text of this.all) Object.assign(text, { wireId: undefined, isTaken: false });
    this.tokens = paceBurst;
    this.filledAtMs = nowMs;
  }

  /** The connection is gone. Those that were sent on it. */
  disconnect(): PendingText[] {
    const sent = this.all.filter(({ sentAtMs }) => sentAtMs !== undefined);
    for (const text of sent) text.sentAtMs = undefined;
    return sent;
  }

  /** Those to be sent now, numbered and counted as sent. */
  takeDue(nowMs: number): PendingText[] {
    const due: PendingText[] = [];
    for (const text of this.all) {
      if (text.sentAtMs !== undefined) continue;
      // What the gateway has taken already it does not count again.
      if (!text.isTaken && !this.takeToken(nowMs)) break;
      text.wireId ??= ++this.lastWireId;
      text.sentAtMs = nowMs;
      due.push(text);
    }
    return due;
  }

  /** Whether a text went out so long ago that the connection must be dead. */
  isOverdue(nowMs: number): boolean {
    return nowMs >= (this.ackDeadline ?? Infinity);
  }

  /** When that is; and when the next text may go. */
  get ackDeadline(): number | undefined {
    const sent = this.all.find(({ sentAtMs, isTaken }) => sentAtMs !== undefined && !isTaken);
    return sent === undefined ? undefined : (sent.sentAtMs as number) + ackTimeoutMs;
  }

  get paceDeadline(): number | undefined {
    return this.all.some(({ sentAtMs }) => sentAtMs === undefined) ? this.filledAtMs + paceMs : undefined;
  }

  private takeToken(nowMs: number): boolean {
    const fresh = Math.floor((nowMs - this.filledAtMs) / paceMs);
    this.tokens = Math.min(paceBurst, this.tokens + fresh);
    this.filledAtMs = this.tokens === paceBurst ? nowMs : this.filledAtMs + fresh * paceMs;
    if (this.tokens === 0) return false;
    this.tokens--;
    return true;
  }
}
