// Binary messages over a WebSocket, whole and in order, with bounded queues both ways.
// Layer ws. Knows nothing of what it carries. Source: PROTOCOL, "WebSocket use", "Ping, pong, close".

import { systemClock, type BinaryTransport, type Clock } from "../base/index.js";
import { NoopObserver, tell, type ClientObserver, type WsErrorReason } from "../observability/index.js";
import { InboundQueue, type ReadOptions } from "./inbound.js";
import { resolveWebSocketLimits, type WebSocketLimits } from "./limits.js";
import { OutboundQueue } from "./outbound.js";
import { listen, WsCloseError, type WebSocketEvents, type WebSocketLike } from "./socket.js";

export interface SocketTransportOptions {
  /** Those given; the rest as in DEFAULT_WEB_SOCKET_LIMITS. Throws RangeError when they make no sense. */
  webSocketLimits?: { readonly [name in keyof WebSocketLimits]?: number | undefined } | undefined;
  /** Normalised. */
  observer?: ClientObserver | undefined;
  /** For tests. */
  clock?: Clock | undefined;
}

const closedState = 2;
/** What ends a transport is told to its observer as one of these; the cause stays in the error. */
const resource = "websocket_outbound_bytes";

/**
 * One WebSocket, opening or open, as a pipe of binary messages. The first failure stays: every read and write that waits,
 * and every later one, is rejected with it, also while messages are still queued. Failures are a text message, a message
 * of unknown type, an error of the WebSocket, a limit, a close of the peer (WsCloseError) and close().
 */
export class SocketTransport implements BinaryTransport {
  /** The platform's own WebSocket does. Source: WHATWG WebSockets, "send(data)". */
  readonly copiesFrames: boolean;
  private readonly inbound: InboundQueue;
  private readonly outbound: OutboundQueue;
  private readonly observer: ClientObserver;
  private readonly stopListening: () => void;
  private failed = false;
  private closeTold = false;

  constructor(
    private readonly ws: WebSocketLike,
    options: SocketTransportOptions = {},
  ) {
    const limits = resolveWebSocketLimits(options.webSocketLimits);
    const clock = options.clock ?? systemClock;
    this.observer = options.observer ?? NoopObserver;
    this.inbound = new InboundQueue(limits, clock, (reason, cause) => this.fail(reason, cause));
    const failed = (code: "resource_limit_reached" | "queue_pressure", current: number, limit: number) =>
      tell(this.observer, { stage: "transport", code, result: "fail", resource, current, limit });
    this.outbound = new OutboundQueue(ws, limits, clock, {
      onExceeded: (current) => {
        failed("resource_limit_reached", current, limits.outboundHardLimitBytes);
        this.fail("send_buffer_exceeded");
      },
      onStalled: (current) => {
        failed("queue_pressure", current, limits.outboundLowWatermarkBytes);
        this.fail("send_buffer_timeout");
      },
      onSendFailed: (cause) => this.fail("error", cause),
    });
    this.copiesFrames = ws.copies ?? (typeof WebSocket !== "undefined" && ws instanceof WebSocket);
    ws.binaryType = "arraybuffer";
    const onClose = ({ code = 1006, reason = "" }: WebSocketEvents["close"]) => {
      this.inbound.inOrder(() => {
        if (!this.closeTold) this.observer.onWsClose("peer_or_error", code);
        this.closeTold = true;
        this.end(new WsCloseError(code, reason));
      });
    };
    this.stopListening = listen(ws, {
      message: ({ data }) => this.inbound.accept(data),
      error: (event) => this.inbound.inOrder(() => this.fail("error", event)),
      close: onClose,
    });
    if (ws.readyState >= closedState) onClose({});
  }

  /** The next message. Rejects with AbortError, TimeoutError, or what ended the transport; giving up loses no message. */
  readBinary(options?: ReadOptions): Promise<Uint8Array> {
    return this.inbound.read(options);
  }

  /**
   * Sends one message. Settles at once while little waits for the network, else when it has drained to the low mark, or
   * with what ended the transport. A frame whose turn has not come is not sent when the signal fires.
   */
  async writeBinary(frame: Uint8Array, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    return this.outbound.write(frame, options?.signal);
  }

  /** Takes the listeners away, drops what is queued and closes the WebSocket. Harmless the second time. */
  close(): void {
    this.stopListening();
    this.end(new Error("closed"));
    if (this.closeTold) return;
    this.closeTold = true;
    this.observer.onWsClose("local", 1000);
    this.ws.close(1000);
  }

  private end(error: Error): void {
    this.failed = true;
    this.inbound.fail(error);
    this.outbound.fail(error);
  }

  private fail(reason: WsErrorReason, cause?: unknown): void {
    if (this.failed) return;
    this.end(new Error(`websocket: ${reason}`, { cause }));
    this.observer.onWsError(reason);
    // Only what is over a limit closes the WebSocket.
    if (reason.includes("_buffer_")) this.ws.close(1000);
  }
}
