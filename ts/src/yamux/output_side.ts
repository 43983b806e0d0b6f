// Frames out: what is sent next.
// Layer yamux, private. Source: PROTOCOL, "Opening streams", "Closing and resetting streams", "Flow control".

import { FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN, HEADER_LEN, headerOf, TYPE_DATA, TYPE_PING, TYPE_WINDOW_UPDATE } from "./frame.js";
import { StreamTable } from "./stream_table.js";

const windowUpdate = (streamId: number, flags: number, length = 0): Uint8Array =>
  headerOf(TYPE_WINDOW_UPDATE, flags, streamId, length);

export class OutputSide extends StreamTable {
  /** The outstanding probe was answered; whoever waits takes it back. */
  probeAnswered = false;

  protected pingReplies: number[] = [];
  protected refusals: number[] = [];
  /** When the last probe was asked for, and how long the last answer took; the shortest is kept for wide windows. */
  probedAtMs = 0;
  roundTripMs: number | undefined;
  shortestMs: number | undefined;

  protected lastProbe = 0; // probes count from 1
  protected probe: "none" | "due" | "sent" = "none";

  /**
   * The next frames, one behind the other, at most `maxBytes`; undefined when nothing is due or fits. Answers come
   * first, then openings, acknowledgements, credit and resets, then data: one frame per stream in turn. In parts: joining
   * them is left to who copies them anyway.
   */
  nextBatch(maxBytes: number): Uint8Array[] | undefined {
    const parts: Uint8Array[] = [];
    for (let room = maxBytes; room >= HEADER_LEN; ) {
      const header = this.nextControl();
      if (!header) {
        room = this.nextData(parts, room, maxBytes);
        if (room < 0) break;
        continue;
      }
      parts.push(header);
      room -= HEADER_LEN;
    }
    return parts.length === 0 ? undefined : parts;
  }

  /** How much nextBatch could give, up to `enough`. */
  outputBytes(enough: number): number {
    if (this.ended) return 0;
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
    if (opaque !== undefined) return headerOf(TYPE_PING, FLAG_ACK, 0, opaque);
    const refused = this.refusals.shift();
    if (refused !== undefined) return windowUpdate(refused, FLAG_RST);
    if (this.probe === "due") {
      this.probe = "sent";
      return headerOf(TYPE_PING, FLAG_SYN, 0, this.lastProbe);
    }
    const [stream] = this.control;
    if (!stream) return undefined;
    let [flags, credit] = [0, 0];
    if (stream.rstDue) {
      stream.rstDue = false;
      flags = FLAG_RST;
    } else if (stream.synDue) {
      stream.synDue = false;
      flags = FLAG_SYN;
    } else if (stream.ackDue) {
      stream.ackDue = false;
      flags = FLAG_ACK;
    } else {
      for (const other of this.earned) {
        other.creditDue = other.isOpen && !other.finReceived && !other.discarding;
        this.settle(other);
      }
      this.earned.clear();
      stream.creditDue = false;
      credit = stream.grantable;
      stream.granted += credit;
    }
    this.settle(stream);
    return windowUpdate(stream.id, flags, credit);
  }

  /** Room left behind the frame, or -1 when there was none to send, or none that fits. */
  private nextData(parts: Uint8Array[], room: number, maxBytes: number): number {
    const [stream] = this.data;
    // A splinter of a write at the end of a batch would cost both sides more than it saves.
    if (!stream || (stream.queuedBytes > room - HEADER_LEN && room <= HEADER_LEN + (parts.length && maxBytes / 16))) return -1;
    this.data.delete(stream); // settle() puts it back, behind the others
    const write = stream.writes[0];
    if (!write) {
      stream.finSent = true;
      parts.push(windowUpdate(stream.id, FLAG_FIN));
      room -= HEADER_LEN;
      this.finishIfDone(stream);
    } else {
      const most = Math.min(room - HEADER_LEN, this.limits.preferredOutboundFrameBytes, stream.credit);
      const body = write.left.subarray(0, most);
      parts.push(headerOf(TYPE_DATA, 0, stream.id, body.length), body);
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

  /** Sends a ping, or joins the one under way; probeAnswered follows. */
  startProbe(nowMs: number): void {
    if (this.probe !== "none" || this.ended) return;
    this.probedAtMs = nowMs;
    this.lastProbe = this.lastProbe === 0xffff_ffff ? 1 : this.lastProbe + 1;
    this.probe = "due";
    this.probeAnswered = false;
  }
}
