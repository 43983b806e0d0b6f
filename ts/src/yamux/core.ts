// One multiplexed session as a machine: decrypted bytes go in, frames to seal and changes to look at come out.
// Layer yamux, private, without I/O: it reads no clock, starts nothing, and calls nobody back. Split by direction: here
// frames in and the application's calls, output_side.ts frames out, stream_table.ts how streams live and end.
// Source: PROTOCOL, "Yamux".

import { type YamuxErrorCode, YamuxError, type YamuxResource } from "./errors.js";
import {
  FLAG_FIN, FLAG_RST, FLAG_SYN, TYPE_DATA, TYPE_GO_AWAY, TYPE_PING, TYPE_WINDOW_UPDATE, type YamuxHeader,
} from "./frame.js";
import { FrameReader, type FrameSink } from "./frame_reader.js";
import { type CheckedYamuxLimits, DEFAULT_MAX_STREAM_WINDOW, maxQueuedPingReplies, maxQueuedRefusals, WIDE_WINDOW_BYTES } from "./limits.js";
import { OutputSide } from "./output_side.js";
import type { QueuedWrite, StreamState } from "./stream_state.js";
import type { YamuxDiagnostic } from "./stream_table.js";
import type { WideWindows } from "./wide_windows.js";

/** Half of the protocol's window. */
const half = DEFAULT_MAX_STREAM_WINDOW / 2;

export class YamuxCore extends OutputSide implements FrameSink {
  private readonly input = new FrameReader();
  private bodyTarget: StreamState | undefined; // undefined: discarded
  private bodyEndsStream = false;

  /** `nextId` is the id of the first stream opened here; its parity must fit the role. */
  constructor(
    private readonly isClient: boolean,
    limits: CheckedYamuxLimits,
    private readonly wide?: WideWindows,
    private nextId = isClient ? 1 : 2,
  ) {
    super(limits);
  }

  // ---- input

  /** Takes plaintext in any portions; the bytes are the machine's from now on. After the end they are dropped. */
  receive(bytes: Uint8Array): void {
    try {
      this.input.receive(bytes, this);
    } catch (error) {
      if (!(error instanceof YamuxError)) throw error;
      this.end(error.code);
    }
  }

  /** Ends the session, and every stream with it. Without effect when it has ended. */
  end(why: YamuxErrorCode): void {
    if (this.ended) return;
    this.ended = why;
    this.input.isStopped = true;
    for (const stream of [...this.streams.values(), ...this.control]) {
      if (stream.isOpen) this.fail(stream, why, false);
      stream.rstDue = false;
      this.settle(stream);
    }
    this.pingReplies = [];
    this.refusals = [];
    this.probe = "none";
  }

  onHeader(header: YamuxHeader): void {
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
    if (this.ended) return;
    if (stream && header.length > 0) {
      const why = stream.finReceived ? "data_after_fin" : header.length > stream.granted ? "window_exceeded" : undefined;
      if (why) {
        this.fail(stream, why, true);
        this.settle(stream);
        stream = undefined;
      }
    }
    this.bodyTarget = stream;
    this.bodyEndsStream = (header.flags & FLAG_FIN) !== 0;
  }

  private onWindowUpdate(header: YamuxHeader): void {
    const stream = this.streamOf(header);
    if (!stream) return;
    if (header.length > (this.wide ? WIDE_WINDOW_BYTES : DEFAULT_MAX_STREAM_WINDOW) - stream.credit) return this.end("credit_overflow");
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
      if (stream) {
        this.fail(stream, "reset_by_peer", false);
        this.settle(stream);
      }
      return undefined;
    }
    if (header.flags & FLAG_SYN) {
      if (stream) return void this.end("stream_already_open");
      return this.accept(header.streamId);
    }
    return stream;
  }

  // Any id that is not alive will do, a lower one than the last too: peers that open streams from several threads send
  // their SYNs in any order.
  private accept(id: number): StreamState | undefined {
    const { maxInboundStreams, maxActiveStreams } = this.limits;
    const isOwn = (id % 2 === 1) === this.isClient;
    if (isOwn) return this.refuse(id, {});
    const refusal = (resource: YamuxResource, current: number, limit: number) => this.refuse(id, { resource, current, limit });
    if (this.inboundStreams >= maxInboundStreams) return refusal("inbound_streams", this.inboundStreams, maxInboundStreams);
    if (this.activeStreams >= maxActiveStreams) return refusal("active_streams", this.activeStreams, maxActiveStreams);
    const stream = this.add(id, true);
    stream.ackDue = true;
    this.opened.push(stream);
    this.settle(stream);
    return stream;
  }

  private refuse(id: number, why: Omit<YamuxDiagnostic, "code">): undefined {
    if (this.refusals.length === maxQueuedRefusals) return void this.end("reply_queue_overflow");
    this.refusals.push(id);
    this.counters.streamsRejected++;
    this.diagnose({ code: "stream_rejected", ...why });
  }

  onBody(slice: Uint8Array): void {
    const stream = this.bodyTarget;
    if (stream?.isOpen) this.deliver(stream, slice);
  }

  onBodyEnd(): void {
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
    const limit = this.limits.maxSessionReceiveBytes + (this.wide ? this.limits.wideWindowSessionBytes : 0);
    if (slice.length > limit - this.unreadBytes) {
      this.exhausted("session_receive_bytes", this.unreadBytes, limit);
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

  // ---- what the application asks for

  /** Opens a stream; data may be written at once. Throws YamuxError: resource_exhausted, ids_exhausted, or the end. */
  open(): StreamState {
    if (this.ended) throw new YamuxError(this.ended);
    const limit = this.limits.maxActiveStreams;
    if (this.activeStreams >= limit) throw this.exhausted("active_streams", this.activeStreams, limit);
    if (this.nextId > 0xffff_ffff) throw new YamuxError("ids_exhausted");
    const stream = this.add(this.nextId, false);
    this.nextId += 2;
    stream.synDue = true;
    this.settle(stream);
    return stream;
  }

  /**
   * The oldest unread bytes, at most `maxBytes`; null at the end of the stream, undefined when there are none yet. Failed: undefined.
   * `nowMs` is of the clock that startProbe is told.
   */
  read(stream: StreamState, maxBytes?: number, nowMs = 0): Uint8Array | null | undefined {
    const chunk = stream.unread.takeChunk(maxBytes);
    if (chunk === undefined) return stream.finReceived && (stream.phase !== "failed" || stream.why === "transport_closed") ? null : undefined;
    if (!stream.isOpen) return chunk; // and the session is over
    this.unreadBytes -= chunk.length;
    const halvesBefore = Math.floor(stream.consumed / half);
    stream.consumed += chunk.length;
    if (!stream.finReceived) {
      if (Math.floor(stream.consumed / half) > halvesBefore) this.wide?.tune(stream, this, nowMs, DEFAULT_MAX_STREAM_WINDOW, WIDE_WINDOW_BYTES);
      // Half a window is worth a record; granting less would cost one for every small read. Less goes along with another's.
      if (stream.grantable >= half) stream.creditDue = true;
      else if (stream.grantable >= half / 4) this.earned.add(stream);
    }
    this.finishIfDone(stream);
    this.settle(stream);
    return chunk;
  }

  /**
   * Queues one write; writes of a stream leave in order. The stream is open, its sending half too, and `bytes` is not empty.
   * They are not copied: what is `left` of them must not change. Throws YamuxResourceExhaustedError; nothing of it is sent then.
   */
  write(stream: StreamState, bytes: Uint8Array): QueuedWrite {
    const limit = this.limits.maxStreamWriteQueueBytes;
    if (bytes.length > limit - stream.queuedBytes) {
      throw this.exhausted("stream_write_queue_bytes", stream.queuedBytes, limit);
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
    if (!stream.isOpen) return stream.unread.clear();
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
}
