// One connection of a chat: sealed, authenticated, with the one stream open. What is said on it goes to a machine.
// Layer ownwire. Reading never waits for writing.

import { fromUtf8, transportDefaults, withDeadline, type Clock } from "../base/index.js";
import { openSealed, type SealedConnectInfo } from "../endpoint/connect_sealed.js";
import type { DialOptions } from "../endpoint/options.js";
import { encodeFrame, readFrameText } from "../framing/json_frame.js";
import { NoopObserver } from "../observability/noop.js";
import { failure, isTimeout } from "../session/failure.js";
import { SessionLink } from "../session/link.js";
import { ExactReader } from "../yamux/byte_reader.js";
import type { YamuxStream } from "../yamux/index.js";
import { OwnwireError } from "./error.js";
import { decodeGatewayFrame, encodeUserFrame, type GatewayFrame, type UserFrame } from "./frames.js";
import { chatStreamKind, leaveTimeoutMs, maxChatFrameBytes, probeIntervalMs, probeTimeoutMs } from "./limits.js";

/** What is heard of a connection. After onLost nothing more. */
export interface ConnectionEvents {
  onFrame(frame: GatewayFrame): void;
  onLost(error: unknown): void;
}

/** An open connection. */
export class ChatConnection {
  private readonly frames: UserFrame[] = [];
  /** Set while something is being written. */
  private written: Promise<void> | undefined;
  /** Settles when nothing more can come. */
  private heard: Promise<void> | undefined;
  private isOver = false;

  private constructor(
    private readonly link: SessionLink,
    private readonly stream: YamuxStream,
    private readonly events: ConnectionEvents,
    private readonly clock: Clock | undefined,
  ) {}

  /** Errors: those of openSealed, SessionLink.openStream. Nothing is left open then. `events` is told nothing before this resolves. */
  static async open(info: SealedConnectInfo, options: DialOptions & { clock?: Clock | undefined }, events: ConnectionEvents): Promise<ChatConnection> {
    const failed = (_: number, error: unknown) => failure("direct", "handshake", isTimeout(error) ? "timeout" : "handshake_failed", error);
    const channel = await openSealed(info, options, { ...transportDefaults, observer: NoopObserver, failed });
    const { clock, signal } = options;
    const liveness = { intervalMs: probeIntervalMs, timeoutMs: probeTimeoutMs };
    const link = new SessionLink({ path: "direct", client: true, channel, clock, liveness });
    try {
      const connection = new ChatConnection(link, await link.openStream(chatStreamKind, { signal }), events, clock);
      queueMicrotask(() => (connection.heard = connection.read()));
      return connection;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  /** In order. What a later frame says again takes the place of the one before, so that a gateway that does not read makes us hold little. */
  send(frame: UserFrame): void {
    const last = this.frames.at(-1);
    if (last?.type === frame.type && (frame.type === "received" || frame.type === "typing")) this.frames.pop();
    this.frames.push(frame);
    this.written ??= this.write();
  }

  /** Asks whether the gateway is still there; if not, that is noticed. */
  probe(): void {
    this.link.probe().catch(() => {});
  }

  /** Ends it at once. */
  drop(): void {
    this.isOver = true;
    this.link.close();
  }

  /** Ends it behind a `bye`, when the gateway has. Were it ended before, the end of the session could overtake what was sent. */
  leave(): void {
    this.isOver = true;
    const taken = Promise.all([this.written, this.heard]);
    void withDeadline(taken, { timeoutMs: leaveTimeoutMs, clock: this.clock }).catch(() => {}).then(() => this.link.closeGently());
  }

  private async write(): Promise<void> {
    // What is said in one turn leaves together.
    await Promise.resolve();
    for (let frame = this.frames.shift(); frame !== undefined; frame = this.frames.shift()) {
      try {
        await this.stream.write(encodeFrame(encodeUserFrame(frame), maxChatFrameBytes));
      } catch (error) {
        this.lose(error);
        break;
      }
    }
    this.written = undefined;
  }

  private async read(): Promise<void> {
    const reader = new ExactReader((maxBytes) => this.stream.read({ maxBytes }));
    try {
      for (;;) {
        const text = await readFrameText((n) => reader.readExactly(n), maxChatFrameBytes);
        if (this.isOver) continue;
        const frame = decodeGatewayFrame(fromUtf8(text));
        if (frame === undefined) throw new OwnwireError("invalid_frame");
        this.events.onFrame(frame);
      }
    } catch (error) {
      this.lose(error);
    }
  }

  private lose(error: unknown): void {
    if (this.isOver) return;
    const why = this.link.error ?? error; // dropping it is a reason as well
    this.drop();
    this.events.onLost(why);
  }
}
