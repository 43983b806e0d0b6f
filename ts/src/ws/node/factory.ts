// WebSockets of a Node client: the Origin header is ours to set, there is no compression, and messages are bounded.
// Layer ws, Node only. Source: PROTOCOL, "Opening handshake", "Message sizes".

import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { maxPayloadFor } from "../bound.js";
import type { WebSocketFactory } from "../socket.js";
import { EmitterWebSocketAdapter } from "./adapt.js";
import { maskedMessage } from "./masked.js";

/** What the `ws` library is told of every WebSocket. */
export interface NodeWsFactoryOptions {
  /** Largest message accepted, in bytes. Default: the largest record or handshake message with default limits, and 64. */
  maxPayload?: number | undefined;
  /** Compression of messages; of no use for ciphertext. Default false. */
  perMessageDeflate?: boolean | undefined;
  /** PEM text of the only certificates to trust. Default: those of Node. */
  ca?: string | undefined;
}

/** A WebSocket without compression, whose binary messages are framed here. The rest is left to `ws`. */
class ClientWebSocket extends EmitterWebSocketAdapter {
  private connection: Socket | undefined;

  constructor(socket: WebSocket) {
    super(socket, true);
    socket.once("upgrade", (response) => (this.connection = response.socket));
  }

  override send(data: string | Uint8Array): void {
    if (typeof data === "string" || this.connection === undefined || this.readyState !== WebSocket.OPEN) return super.send(data);
    const { frame, release } = maskedMessage(data);
    this.connection.write(frame, () => {
      release();
      this.onSent();
    });
  }
}

/** Opens WebSockets of the `ws` package. Throws RangeError unless maxPayload is a positive integer. */
export function createNodeWsFactory(options: NodeWsFactoryOptions = {}): WebSocketFactory {
  const { maxPayload = maxPayloadFor(), perMessageDeflate = false, ca } = options;
  if (!Number.isSafeInteger(maxPayload) || maxPayload <= 0) throw new RangeError("maxPayload must be a positive integer");
  return (url, origin) => {
    const socket = new WebSocket(url, { headers: { Origin: origin }, maxPayload, perMessageDeflate, followRedirects: false, ...(ca === undefined ? {} : { ca }) });
    // With compression `ws` keeps the bytes until it has compressed them.
    return perMessageDeflate ? new EmitterWebSocketAdapter(socket) : new ClientWebSocket(socket);
  };
}
