// The streams of a session: how they begin, what is due for each, how they end.
// Layer yamux, private. Source: PROTOCOL, "Closing and resetting streams".

import { type YamuxErrorCode, type YamuxResource, YamuxResourceExhaustedError } from "./errors.js";
import type { CheckedYamuxLimits } from "./limits.js";
import { StreamState } from "./stream_state.js";

/** Something worth telling an observer: somebody was turned away. Holds nothing of the application. */
export interface YamuxDiagnostic {
  readonly code: "stream_rejected" | "resource_limit_reached";
  /** The limit, and how much of it was used. Absent for a stream whose id only this side may open. */
  readonly resource?: YamuxResource;
  readonly current?: number;
  readonly limit?: number;
}

/** Counts since the session began. */
export interface YamuxCounters {
  /** Streams of the peer that were refused. */
  streamsRejected: number;
  /** Streams that ended by RST, of either side. */
  streamsReset: number;
  /** Ping requests that were not answered because too many answers waited. */
  pingsDropped: number;
}

export class StreamTable {
  /** Those that are open. One that is over leaves at once, whatever is still due for it: its id may come again. */
  readonly streams = new Map<number, StreamState>();
  readonly counters: YamuxCounters = { streamsRejected: 0, streamsReset: 0, pingsDropped: 0 };
  /** Why the session ended; undefined while it lives. */
  ended: YamuxErrorCode | undefined;

  // What changed since it was last taken. Bounded by the live streams, and by the kinds of diagnostics.
  opened: StreamState[] = [];
  touched = new Set<StreamState>();
  diagnostics: YamuxDiagnostic[] = [];

  activeStreams = 0;
  inboundStreams = 0;
  unreadBytes = 0;

  /** Streams with a control frame due, and with data due; in the order of their turns. */
  protected readonly control = new Set<StreamState>();
  protected readonly data = new Set<StreamState>();
  /** Streams of which an eighth of a window was read, and not yet half of it. */
  protected readonly earned = new Set<StreamState>();

  constructor(readonly limits: CheckedYamuxLimits) {}

  protected add(id: number, inbound: boolean): StreamState {
    const stream = new StreamState(id, inbound);
    this.streams.set(id, stream);
    this.activeStreams++;
    if (inbound) this.inboundStreams++;
    return stream;
  }

  protected fail(stream: StreamState, why: YamuxErrorCode, tellPeer: boolean): void {
    // A peer that has not seen the SYN, or has seen both FINs, has nothing to forget.
    stream.rstDue = tellPeer && !stream.synDue && !(stream.finSent && stream.finReceived);
    stream.synDue = stream.ackDue = stream.creditDue = false;
    this.streams.delete(stream.id);
    stream.phase = "failed";
    stream.why = why;
    if (!this.ended) this.counters.streamsReset++;
    this.unreadBytes -= stream.unread.length;
    // What arrived before the other side went is still there to be read.
    if (why !== "transport_closed") stream.unread.clear();
    stream.writes = [];
    stream.queuedBytes = 0;
    this.touched.add(stream);
  }

  protected finishIfDone(stream: StreamState): void {
    if (!stream.isOpen || !stream.finReceived || !stream.finSent || stream.unread.length > 0) return;
    this.streams.delete(stream.id);
    stream.phase = "finished";
    this.touched.add(stream);
  }

  /** Puts the stream into the sets it belongs to, out of the others, and forgets it when nothing keeps it. */
  protected settle(stream: StreamState): void {
    if (stream.controlIsDue) this.control.add(stream);
    else this.control.delete(stream);
    if (stream.dataIsDue) this.data.add(stream);
    else this.data.delete(stream);
    if (stream.isOpen || stream.rstDue || !stream.counted) return;
    stream.counted = false;
    this.activeStreams--;
    if (stream.inbound) this.inboundStreams--;
    this.earned.delete(stream);
  }

  /** One of a kind is enough until somebody looks: a flood of refusals must not become a flood of reports. */
  protected diagnose(what: YamuxDiagnostic): void {
    const same = (other: YamuxDiagnostic) => other.code === what.code && other.resource === what.resource;
    if (!this.diagnostics.some(same)) this.diagnostics.push(what);
  }

  /** Reports a limit, and makes the error of it. */
  protected exhausted(resource: YamuxResource, current: number, limit: number): YamuxResourceExhaustedError {
    this.diagnose({ code: "resource_limit_reached", resource, current, limit });
    return new YamuxResourceExhaustedError(resource, current, limit);
  }
}
