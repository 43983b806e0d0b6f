// The calls of a registry: from `call` to a grant, or to the one answer that says nothing.
// Layer rendezvous. Told the time. Absent, blocked, declining and silent recipients are answered at the same moment with the same words.
// Source: RENDEZVOUS, "Calls".

import type { PublicKey } from "../identity/index.js";
import type { RegistryErrorCode } from "./error.js";
import type { ClientFrame, ServerFrame } from "./frames.js";
import { unavailableMs, type RegistryLimits } from "./limits.js";
import type { ChannelTicket } from "./ticket.js";
import { TokenBucket } from "./token_bucket.js";

/** One call that is not answered yet. */
export interface RegistryCall {
  readonly callId: string;
  readonly rid: number;
  readonly from: PublicKey;
  readonly to: PublicKey;
  readonly eph: PublicKey;
  readonly note: string | undefined;
  /** When its caller is told that nobody is there. */
  readonly byMs: number;
}

interface OpenCall extends RegistryCall {
  /** The caller's, once the callee was told. */
  grant: ChannelTicket | undefined;
  isOffered: boolean;
}

interface CallHost {
  send(key: PublicKey, frame: ServerFrame): void;
  isRegistered(key: PublicKey): boolean;
  mint(call: RegistryCall): void;
}

export class Calls {
  /** In the order of their ends. */
  private readonly open = new Map<string, OpenCall>();
  /** By caller. */
  private readonly openOf = new Map<string, Set<OpenCall>>();
  /** By callee: calls that it was told of, the oldest first. */
  private readonly ringing = new Map<string, Set<OpenCall>>();
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(
    private readonly limits: Pick<RegistryLimits, "callsPerMinute" | "maxOpenCalls" | "maxRingingCalls">,
    private readonly name: () => string,
    private readonly host: CallHost,
  ) {}

  get size(): number {
    return this.open.size;
  }

  get deadline(): number | undefined {
    const [first] = this.open.values();
    return first?.byMs;
  }

  call(from: PublicKey, { rid, to, eph, note }: ClientFrame & { type: "call" }, nowMs: number): void {
    const refuse = (code: RegistryErrorCode) => this.host.send(from, { type: "error", code, rid, fatal: false });
    if (to.equals(from)) return refuse("invalid_frame");
    const { callsPerMinute, maxOpenCalls } = this.limits;
    let bucket = this.buckets.get(from.text);
    if (bucket === undefined) this.buckets.set(from.text, (bucket = new TokenBucket(callsPerMinute, callsPerMinute / 60_000, nowMs)));
    let own = this.openOf.get(from.text);
    if ((own?.size ?? 0) >= maxOpenCalls || !bucket.take(nowMs)) return refuse("rate_limited");
    const call: OpenCall = { callId: this.name(), rid, from, to, eph, note, byMs: nowMs + unavailableMs, grant: undefined, isOffered: false };
    this.open.set(call.callId, call);
    if (own === undefined) this.openOf.set(from.text, (own = new Set()));
    own.add(call);
    // Also where nobody is: what it costs would tell.
    this.host.mint(call);
  }

  /** The grants of a call, or undefined when it may not be. */
  minted(callId: string, grants: { readonly client: ChannelTicket; readonly server: ChannelTicket } | undefined): void {
    const call = this.open.get(callId);
    if (call === undefined || grants === undefined || !this.host.isRegistered(call.to)) return;
    call.grant = grants.client;
    call.isOffered = true;
    let ringing = this.ringing.get(call.to.text);
    if (ringing === undefined) this.ringing.set(call.to.text, (ringing = new Set()));
    const [oldest] = ringing;
    // Silence of some callers must not keep others out.
    if (oldest !== undefined && ringing.size >= this.limits.maxRingingCalls) this.silence(oldest, true);
    ringing.add(call);
    this.host.send(call.to, { type: "incoming", callId, from: call.from, eph: call.eph, note: call.note, ticket: grants.server });
  }

  /** What a registered client says of calls. What is over, or somebody else's, is passed over. */
  frame(from: PublicKey, frame: Extract<ClientFrame, { type: "accept" | "decline" | "cancel" }>): void {
    if (frame.type === "cancel") {
      for (const call of this.openOf.get(from.text) ?? []) if (call.rid === frame.rid) return this.end(call, true);
      return;
    }
    const call = this.open.get(frame.callId);
    if (call?.isOffered !== true || !call.to.equals(from)) return;
    this.silence(call, false);
    if (frame.type === "decline" || call.grant === undefined) return;
    this.end(call, false);
    this.host.send(call.from, { type: "grant", rid: call.rid, callId: call.callId, eph: frame.eph, ticket: call.grant });
  }

  /** A key is not registered any more. */
  left(key: PublicKey): void {
    for (const call of this.openOf.get(key.text) ?? []) this.end(call, true);
    for (const call of this.ringing.get(key.text) ?? []) this.silence(call, false); // its caller learns nothing before the time
  }

  advance(nowMs: number): void {
    for (const call of this.open.values()) {
      if (nowMs < call.byMs) break;
      this.end(call, true);
      this.host.send(call.from, { type: "error", code: "recipient_unavailable", rid: call.rid, fatal: false });
    }
  }

  /** Forgets whose calls of a minute are all there again. */
  sweep(nowMs: number): void {
    for (const [key, bucket] of this.buckets) if (bucket.isFull(nowMs)) this.buckets.delete(key);
  }

  private end(call: OpenCall, tellCallee: boolean): void {
    this.open.delete(call.callId);
    const own = this.openOf.get(call.from.text);
    own?.delete(call);
    if (own?.size === 0) this.openOf.delete(call.from.text);
    this.silence(call, tellCallee);
  }

  /** It rings no more. */
  private silence(call: OpenCall, tellCallee: boolean): void {
    if (!call.isOffered) return;
    call.isOffered = false;
    const ringing = this.ringing.get(call.to.text);
    ringing?.delete(call);
    if (ringing?.size === 0) this.ringing.delete(call.to.text);
    if (tellCallee) this.host.send(call.to, { type: "cancelled", callId: call.callId });
  }
}
