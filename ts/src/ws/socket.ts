// What this package needs of a WebSocket: the part of the browsers' interface that other implementations share.
// Layer ws.

/** Listeners by event. */
export interface WebSocketEvents {
  open: unknown;
  message: { readonly data: unknown };
  error: unknown;
  close: { readonly code?: number; readonly reason?: string };
}

/** A listener of one event. */
export type WebSocketListener<Type extends keyof WebSocketEvents> = (event: WebSocketEvents[Type]) => void;

/** A WebSocket, opening or open. The browsers' own fits; adaptNodeWebSocket makes one of an emitter. */
export interface WebSocketLike {
  binaryType: string;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Bytes given to send() and not yet to the network. */
  readonly bufferedAmount: number;
  /** A text or a binary message; throws unless the WebSocket is open. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Bytes may change as soon as send() has returned. Absent: true of the platform's own WebSocket only. */
  readonly copies?: boolean;
  /** The WebSocket that this one stands for. Absent: none. */
  readonly adapted?: unknown;
  /** Starts closing; harmless when it is closing already. */
  close(code?: number, reason?: string): void;
  /** Calls `then` once when bytes have left for the network. One that cannot say so is asked, at first after 1 ms, later every 10 ms. */
  onceDrained?(then: () => void): void;
  /** As EventTarget; a listener that is added again stays one. */
  addEventListener<Type extends keyof WebSocketEvents>(type: Type, listener: WebSocketListener<Type>): void;
  /** As EventTarget. */
  removeEventListener<Type extends keyof WebSocketEvents>(type: Type, listener: WebSocketListener<Type>): void;
}

/** Adds listeners. Returns what takes them away again. */
export function listen(ws: WebSocketLike, listeners: { readonly [Type in keyof WebSocketEvents]?: WebSocketListener<Type> }): () => void {
  const each = Object.entries(listeners) as ["open", WebSocketListener<"open">][];
  for (const [type, listener] of each) ws.addEventListener(type, listener);
  return () => {
    for (const [type, listener] of each) ws.removeEventListener(type, listener);
  };
}

/** Opens a WebSocket to `url` that says it comes from `origin`. */
export type WebSocketFactory = (url: string, origin: string) => WebSocketLike;

/** The peer, or the network, closed the WebSocket. 1005 is a close without a code, 1006 one without a close frame. */
export class WsCloseError extends Error {
  override readonly name = "WsCloseError";
  constructor(
    readonly code: number,
    readonly reason: string,
  ) {
    super(`websocket closed: ${code}${reason === "" ? "" : ` ${reason}`}`);
  }
}
