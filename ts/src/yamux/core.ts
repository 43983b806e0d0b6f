// One multiplexed session as a machine: decrypted bytes go in, frames to seal and changes to look at come out.
// Layer yamux, private, without I/O: it reads no clock, starts nothing, and calls nobody back.
// Source: PROTOCOL, "Yamux".

import { concat } from "../base/index.js";
import { type YamuxErrorCode, YamuxError, type YamuxResource, YamuxResourceExhaustedError } from "./errors.js";
import {
  decodeHeader, encodeHeader, FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN, HEADER_LEN, TYPE_DATA, TYPE_GO_AWAY, TYPE_PING,
  TYPE_WINDOW_UPDATE, type YamuxHeader,
} from "./frame.js";
import { type CheckedYamuxLimits, DEFAULT_MAX_STREAM_WINDOW, maxQueuedPingReplies, maxQueuedRefusals } from "./limits.js";
import { type QueuedWrite, StreamState } from "./stream_state.js";

/** Something worth telling an observer: a limit that turned somebody away. Holds nothing of the application. */
export interface YamuxDiagnostic {
  readonly code: "stream_rejected" | "resource_limit_reached";
  readonly resource: YamuxResource | "session_receive_bytes";
  readonly current: number;
  readonly limit: number;
}

/** Counts since the session began. */
export interface YamuxCounters {
  /** Streams of the peer that a limit turned away. */
  streamsRejected: number;
  /** Streams that ended by RST, of either side. */
  streamsReset: number;
  /** Ping requests that were not answered because too many answers waited. */
  pingsDropped: number;
}

const windowUpdate = (streamId: number, flags: number, length = 0): Uint8Array =>
  encodeHeader({ type: TYPE_WINDOW_UPDATE, flags, streamId, length });

export class YamuxCore {
  readonly streams = new Map<number, StreamState>();
  readonly counters: YamuxCounters = { streamsRejected: 0, streamsReset: 0, pingsDropped: 0 };
  /** Why the session ended; undefined while it lives. */
  ended: YamuxErrorCode | undefined;

  // What changed since it was last taken. Bounded by the live streams; the diagnostics by what one receive() causes.
  opened: StreamState[] = [];
  touched = new Set<StreamState>();
  diagnostics: YamuxDiagnostic[] = [];
  /** The outstanding probe was answered; whoever waits takes it back. */
  probeAnswered = false;

  activeStreams = 0;
  inboundStreams = 0;
  unreadBytes = 0;

  private nextId: number;
  // Where input stands: inside a header, or inside a body for `bodyTarget` (undefined: discarded).
  private partialHeader = new Uint8Array(HEADER_LEN);
  private partialUsed = 0;
  private bodyLeft = 0;
  private bodyEndsStream = false;
  private bodyTarget: StreamState | undefined;

  private pingReplies: number[] = [];
  private refusals: number[] = [];
  private control = new Set<StreamState>();
  private data = new Set<StreamState>();
  private lastProbe = 0; // probes count from 1
  private probe: "none" | "due" | "sent" = "none";

  constructor(
    private readonly isClient: boolean,
    readonly limits: CheckedYamuxLimits,
    firstId = isClient ? 1 : 2,
  ) {
    this.nextId = firstId;
  }

  // ---- input

  /** Takes plaintext in any portions; the bytes are the machine's from now on. After the end they are dropped. */
  receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.ended === undefined; ) {
      if (this.bodyLeft > 0) {
        const slice = bytes.subarray(at, at + this.bodyLeft);
        at += slice.length;
        this.bodyLeft -= slice.length;
        this.onBody(slice);
      } else if (this.partialUsed === 0 && bytes.length - at >= HEADER_LEN) {
        this.onHeader(bytes, at);
        at += HEADER_LEN;
      } else {
        const part = bytes.subarray(at, at + HEADER_LEN - this.partialUsed);
        this.partialHeader.set(part, this.partialUsed);
        at += part.length;
        this.partialUsed += part.length;
        if (this.partialUsed === HEADER_LEN) {
          this.partialUsed = 0;
          this.onHeader(this.partialHeader, 0);
        }
      }
    }
  }

  /** Nothing will come any more: `transport_closed` between two frames, `truncated_frame` inside one. */
  endOfInput(): void {
    this.end(this.partialUsed === 0 && this.bodyLeft === 0 ? "transport_closed" : "truncated_frame");
  }

  /** Ends the session, and every stream with it. Without effect when it has ended. */
  end(why: YamuxErrorCode): void {
    if (this.ended !== undefined) return;
    this.ended = why;
    for (const stream of this.streams.values()) {
      if (stream.isOpen) this.fail(stream, why, false);
      stream.rstDue = false;
      this.settle(stream);
    }
    this.pingReplies = [];
    this.refusals = [];
    this.probe = "none";
  }

  private onHeader(bytes: Uint8Array, at: number): void {
    let header: YamuxHeader;
    try {
      header = decodeHeader(bytes, at);
    } catch (error) {
      return this.end((error as YamuxError).code);
    }
    switch (header.type) {
      case TYPE_DATA:
        return this.onData(header);
      case TYPE_WINDOW_UPDATE:
        return this.onWindowUpdate(header);
      case TYPE_PING:
        return this.onPing(header);
      case TYPE_GO_AWAY:
        return this.end("go_away");
    }
  }

  private onData(header: YamuxHeader): void {
    if (header.length > this.limits.maxFrameBytes) return this.end("frame_too_large");
    let stream = this.streamOf(header);
    if (this.ended !== undefined) return;
    if (stream !== undefined && header.length > 0) {
      const why = stream.finReceived ? "data_after_fin" : header.length > stream.granted ? "window_exceeded" : undefined;
      if (why !== undefined) {
        this.fail(stream, why, true);
        this.settle(stream);
        stream = undefined;
      }
    }
    this.bodyTarget = stream;
    this.bodyLeft = header.length;
    this.bodyEndsStream = (header.flags & FLAG_FIN) !== 0;
    if (header.length === 0) this.onBodyEnd();
  }

  private onWindowUpdate(header: YamuxHeader): void {
    const stream = this.streamOf(header);
    if (stream === undefined) return;
    if (header.length > DEFAULT_MAX_STREAM_WINDOW - stream.credit) return this.end("credit_overflow");
    stream.credit += header.length;
    if (header.flags & FLAG_FIN) this.onFin(stream);
    this.settle(stream);
  }

  private onPing(header: YamuxHeader): void {
    if (header.flags & FLAG_SYN) {
      // Whoever pings faster than it reads the answers misses some.
      if (this.pingReplies.length < maxQueuedPingReplies) this.pingReplies.push(header.length);
      else this.counters.pingsDropped++;
    } else if (this.probe === "sent" && header.length === this.lastProbe) {
      this.probe = "none";
      this.probeAnswered = true;
    }
  }

  // The open stream a frame is for, after its SYN and RST were obeyed. undefined: nothing of the frame is of use, its
  // body is discarded. Silence, not RST, answers frames for streams that are gone: two peers that reset each other for
  // every stray frame would never stop.
  private streamOf(header: YamuxHeader): StreamState | undefined {
    const stream = this.streams.get(header.streamId);
    if (header.flags & FLAG_RST) {
      if (stream?.isOpen) {
        this.fail(stream, "reset_by_peer", false);
        this.settle(stream);
      }
      return undefined;
    }
    if (header.flags & FLAG_SYN) {
      if (stream !== undefined) return void this.end("stream_already_open");
      return this.accept(header.streamId);
    }
    return stream?.isOpen ? stream : undefined;
  }

  private accept(id: number): StreamState | undefined {
    const { maxInboundStreams, maxActiveStreams } = this.limits;
    const ownParity = (id % 2 === 1) === this.isClient;
    if (ownParity || this.inboundStreams >= maxInboundStreams || this.activeStreams >= maxActiveStreams) {
      if (this.refusals.length === maxQueuedRefusals) return void this.end("reply_queue_overflow");
      this.refusals.push(id);
      this.counters.streamsRejected++;
      const inboundFull = this.inboundStreams >= maxInboundStreams;
      this.diagnose({
        code: "stream_rejected",
        resource: inboundFull ? "inbound_streams" : "active_streams",
        current: inboundFull ? this.inboundStreams : this.activeStreams,
        limit: inboundFull ? maxInboundStreams : maxActiveStreams,
      });
      return undefined;
    }
    const stream = this.add(id, true);
    stream.ackDue = true;
    this.opened.push(stream);
    this.settle(stream);
    return stream;
  }

  /** One of a kind is enough until somebody looks: a flood of refusals must not become a flood of reports. */
  private diagnose(what: YamuxDiagnostic): void {
    const same = (other: YamuxDiagnostic) => other.code === what.code && other.resource === what.resource;
    if (!this.diagnostics.some(same)) this.diagnostics.push(what);
  }

  private onBody(slice: Uint8Array): void {
    const stream = this.bodyTarget;
    if (stream?.isOpen) this.deliver(stream, slice);
    if (this.bodyLeft === 0 && this.ended === undefined) this.onBodyEnd();
  }

  private onBodyEnd(): void {
    const stream = this.bodyTarget;
    this.bodyTarget = undefined;
    if (!stream?.isOpen) return;
    if (this.bodyEndsStream) this.onFin(stream);
    this.settle(stream);
  }

  private deliver(stream: StreamState, slice: Uint8Array): void {
    stream.granted -= slice.length;
    if (stream.discarding) {
      // One window is as long as we listen to a peer that does not stop.
      if (stream.granted === 0) this.fail(stream, "reset_locally", true);
      return this.settle(stream);
    }
    const limit = this.limits.maxSessionReceiveBytes;
    if (slice.length > limit - this.unreadBytes) {
      const current = this.unreadBytes;
      this.diagnose({ code: "resource_limit_reached", resource: "session_receive_bytes", current, limit });
      return this.end("session_memory_exceeded");
    }
    stream.unread.push(slice);
    this.unreadBytes += slice.length;
    this.touched.add(stream);
  }

  private onFin(stream: StreamState): void {
    if (stream.finReceived) return;
    stream.finReceived = true;
    stream.creditDue = false; // nobody is left to use it
    this.touched.add(stream);
    this.finishIfDone(stream);
  }

  // ---- output

  /**
   * The next frames, one behind the other, at most `maxBytes`; undefined when nothing is due or fits. Answers come
   * first, then openings, acknowledgements, credit and resets, then data: one frame per stream in turn.
   */
  nextBatch(maxBytes: number): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (let room = maxBytes; room >= HEADER_LEN; ) {
      const header = this.nextControl();
      if (header === undefined) {
        room = this.nextData(parts, room);
        if (room < 0) break;
        continue;
      }
      parts.push(header);
      room -= HEADER_LEN;
    }
    return parts.length === 0 ? undefined : concat(...parts);
  }

  /** How much nextBatch could give, up to `enough`. */
  outputBytes(enough: number): number {
    if (this.ended !== undefined) return 0;
    let bytes = HEADER_LEN * (this.pingReplies.length + this.refusals.length + this.control.size + Number(this.probe === "due"));
    for (const stream of this.data) {
      if (bytes >= enough) break;
      bytes += HEADER_LEN + Math.min(stream.queuedBytes, stream.credit);
    }
    return bytes;
  }

  // One frame each for SYN, ACK, credit and RST. Only credit has a length: peers add the length of every Window Update
  // to their send window and end the session when that exceeds the protocol's window.
  private nextControl(): Uint8Array | undefined {
    const opaque = this.pingReplies.shift();
    if (opaque !== undefined) return encodeHeader({ type: TYPE_PING, flags: FLAG_ACK, streamId: 0, length: opaque });
    const refused = this.refusals.shift();
    if (refused !== undefined) return windowUpdate(refused, FLAG_RST);
    if (this.probe === "due") {
      this.probe = "sent";
      return encodeHeader({ type: TYPE_PING, flags: FLAG_SYN, streamId: 0, length: this.lastProbe });
    }
    const [stream] = this.control;
    if (stream === undefined) return undefined;
    let header: Uint8Array;
    if (stream.rstDue) {
      stream.rstDue = false;
      header = windowUpdate(stream.id, FLAG_RST);
    } else if (stream.synDue) {
      stream.synDue = false;
      header = windowUpdate(stream.id, FLAG_SYN);
    } else if (stream.ackDue) {
      stream.ackDue = false;
      header = windowUpdate(stream.id, FLAG_ACK);
    } else {
      stream.creditDue = false;
      const credit = stream.grantable;
      stream.granted += credit;
      header = windowUpdate(stream.id, 0, credit);
    }
    this.settle(stream);
    return header;
  }

  /** Room left behind the frame, or -1 when there was none to send, or none that fits. */
  private nextData(parts: Uint8Array[], room: number): number {
    const [stream] = this.data;
    if (stream === undefined || (stream.queuedBytes > 0 && room === HEADER_LEN)) return -1;
    this.data.delete(stream); // settle() puts it back, behind the others
    const write = stream.writes[0];
    if (write === undefined) {
      stream.finSent = true;
      parts.push(windowUpdate(stream.id, FLAG_FIN));
      room -= HEADER_LEN;
      this.finishIfDone(stream);
    } else {
      const most = Math.min(room - HEADER_LEN, this.limits.preferredOutboundFrameBytes, stream.credit);
      const body = write.left.subarray(0, most);
      parts.push(encodeHeader({ type: TYPE_DATA, flags: 0, streamId: stream.id, length: body.length }), body);
      room -= HEADER_LEN + body.length;
      write.left = write.left.subarray(body.length);
      write.begun = true;
      write.done = write.left.length === 0;
      if (write.done) stream.writes.shift();
      stream.credit -= body.length;
      stream.queuedBytes -= body.length;
    }
    this.touched.add(stream);
    this.settle(stream);
    return room;
  }

  // ---- what the application asks for

  /** Opens a stream; data may be written at once. Throws YamuxError: resource_exhausted, ids_exhausted, or the end. */
  open(): StreamState {
    if (this.ended !== undefined) throw new YamuxError(this.ended);
    const limit = this.limits.maxActiveStreams;
    if (this.activeStreams >= limit) {
      this.diagnose({ code: "resource_limit_reached", resource: "active_streams", current: this.activeStreams, limit });
      throw new YamuxResourceExhaustedError("active_streams", this.activeStreams, limit);
    }
    if (this.nextId > 0xffff_ffff) throw new YamuxError("ids_exhausted");
    const stream = this.add(this.nextId, false);
    this.nextId += 2;
    stream.synDue = true;
    this.settle(stream);
    return stream;
  }

  /** The oldest unread bytes, at most `maxBytes`; null at the end of the stream, undefined when there are none yet. Failed: undefined. */
  read(stream: StreamState, maxBytes?: number): Uint8Array | null | undefined {
    const chunk = stream.unread.shift(maxBytes);
    if (chunk === undefined) return stream.finReceived && stream.phase !== "failed" ? null : undefined;
    this.unreadBytes -= chunk.length;
    // Half a window is worth a frame; granting less would cost a frame for every small read.
    if (!stream.finReceived && stream.grantable >= DEFAULT_MAX_STREAM_WINDOW / 2) stream.creditDue = true;
    this.finishIfDone(stream);
    this.settle(stream);
    return chunk;
  }

  /**
   * Queues one write; writes of a stream leave in order. The stream is open, its sending half too, and `bytes` is not
   * empty. Throws YamuxResourceExhaustedError; nothing of it is sent then.
   */
  write(stream: StreamState, bytes: Uint8Array): QueuedWrite {
    const limit = this.limits.maxStreamWriteQueueBytes;
    if (bytes.length > limit - stream.queuedBytes) {
      const current = stream.queuedBytes;
      this.diagnose({ code: "resource_limit_reached", resource: "stream_write_queue_bytes", current, limit });
      throw new YamuxResourceExhaustedError("stream_write_queue_bytes", current, limit);
    }
    const write = { left: bytes, begun: false, done: false };
    stream.writes.push(write);
    stream.queuedBytes += bytes.length;
    this.settle(stream);
    return write;
  }

  /**
   * Gives a write up. One of which a part has left, or behind which the half was closed, resets the stream: the peer
   * must not take a part for the whole.
   */
  cancelWrite(stream: StreamState, write: QueuedWrite): void {
    const at = stream.writes.indexOf(write);
    if (at < 0 || !stream.isOpen) return;
    if (write.begun || stream.finWanted) return this.reset(stream);
    stream.writes.splice(at, 1);
    stream.queuedBytes -= write.left.length;
    this.settle(stream);
  }

  /** Closes the sending half once queued writes are out. Reading goes on. Without effect the second time. */
  closeWrite(stream: StreamState): void {
    stream.finWanted = true;
    this.settle(stream);
  }

  /** Drops what was and will be received; the stream is reset when the peer sends more than it was granted already. */
  discard(stream: StreamState): void {
    stream.discarding = true;
    this.unreadBytes -= stream.unread.length;
    stream.unread.clear();
    if (!stream.finReceived && stream.granted === 0) return this.reset(stream);
    this.finishIfDone(stream);
    this.settle(stream);
  }

  /** Abandons a stream in both directions, unread bytes included; the peer is told. */
  reset(stream: StreamState): void {
    if (!stream.isOpen) return;
    this.fail(stream, "reset_locally", true);
    this.settle(stream);
  }

  /** Sends a ping, or joins the one under way; probeAnswered follows. */
  startProbe(): void {
    if (this.probe !== "none" || this.ended !== undefined) return;
    this.lastProbe = this.lastProbe === 0xffff_ffff ? 1 : this.lastProbe + 1;
    this.probe = "due";
    this.probeAnswered = false;
  }

  // ---- the life of a stream

  private add(id: number, inbound: boolean): StreamState {
    const stream = new StreamState(id, inbound);
    this.streams.set(id, stream);
    this.activeStreams++;
    if (inbound) this.inboundStreams++;
    return stream;
  }

  private fail(stream: StreamState, why: YamuxErrorCode, tellPeer: boolean): void {
    // A peer that has not seen the SYN, or has seen both FINs, has nothing to forget.
    stream.rstDue = tellPeer && !stream.synDue && !(stream.finSent && stream.finReceived);
    stream.synDue = stream.ackDue = stream.creditDue = false;
    stream.phase = "failed";
    stream.why = why;
    if (this.ended === undefined) this.counters.streamsReset++;
    this.unreadBytes -= stream.unread.length;
    stream.unread.clear();
    stream.writes = [];
    stream.queuedBytes = 0;
    this.touched.add(stream);
  }

  private finishIfDone(stream: StreamState): void {
    if (!stream.isOpen || !stream.finReceived || !stream.finSent || stream.unread.length > 0) return;
    stream.phase = "finished";
    this.touched.add(stream);
  }

  /** Puts the stream into the sets it belongs to, out of the others, and forgets it when nothing keeps it. */
  private settle(stream: StreamState): void {
    if (stream.controlIsDue) this.control.add(stream);
    else this.control.delete(stream);
    if (stream.dataIsDue) this.data.add(stream);
    else this.data.delete(stream);
    if (stream.isOpen || stream.rstDue) return;
    if (!stream.counted) return;
    stream.counted = false;
    this.activeStreams--;
    if (stream.inbound) this.inboundStreams--;
    if (this.bodyTarget === stream) this.bodyTarget = undefined;
    this.streams.delete(stream.id);
  }
}
