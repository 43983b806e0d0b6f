// From an emitter-style WebSocket, as the `ws` package makes them, to the listener interface of this package.
// Layer ws, Node only.

import type { WebSocketEvents, WebSocketLike, WebSocketListener } from "../socket.js";
import { answerPings } from "./pong.js";

/** The part of an emitter-style WebSocket that is used here; the `ws` package's fits. */
export interface EmitterWebSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array, done?: (error?: Error | null) => void): void;
  close(code?: number, reason?: string): void;
  terminate?(): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

/** How long a peer may take to answer our close before the connection is cut. */
const closeGraceMs = 2000;
const closedState = 3;

type Listeners = { [Type in keyof WebSocketEvents]: Set<WebSocketListener<Type>> };

/**
 * Messages arrive as the emitter's own bytes, without a copy, and text as a string. Errors always have a listener, even
 * after the end: an emitter without one would end the process. The others go away with the connection.
 */
export class EmitterWebSocketAdapter implements WebSocketLike {
  binaryType = "arraybuffer";
  readonly adapted: unknown;
  /** What is called when a message has left. */
  protected readonly onSent = (): void => {
    for (const then of this.waitingForDrain.splice(0)) then();
  };
  private readonly listeners: Listeners = { open: new Set(), message: new Set(), error: new Set(), close: new Set() };
  private readonly waitingForDrain: (() => void)[] = [];
  private cutting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly socket: EmitterWebSocket,
    readonly copies = false,
  ) {
    this.adapted = socket;
    answerPings(socket);
    const onOpen = () => this.tell("open", {});
    const onMessage = (data: unknown, isBinary: boolean) => {
      const whole = Array.isArray(data) ? Buffer.concat(data as Uint8Array[]) : data;
      this.tell("message", { data: isBinary || !(whole instanceof Uint8Array) ? whole : new TextDecoder().decode(whole) });
    };
    const onClose = (code: number, reason: Uint8Array) => {
      clearTimeout(this.cutting);
      socket.off("open", onOpen);
      socket.off("message", onMessage);
      socket.off("close", onClose);
      this.tell("close", { code, reason: new TextDecoder().decode(reason) });
    };
    socket.on("open", onOpen);
    socket.on("message", onMessage);
    socket.on("close", onClose);
    socket.on("error", (error: unknown) => this.tell("error", error));
  }

  get readyState(): number {
    return this.socket.readyState;
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data, this.onSent);
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
    if (this.cutting !== undefined || this.readyState === closedState) return;
    this.cutting = setTimeout(() => this.socket.terminate?.(), closeGraceMs);
    this.cutting.unref();
  }

  onceDrained(then: () => void): void {
    this.waitingForDrain.push(then);
  }

  addEventListener<Type extends keyof WebSocketEvents>(type: Type, listener: WebSocketListener<Type>): void {
    (this.listeners[type] as Set<WebSocketListener<Type>>).add(listener);
  }

  removeEventListener<Type extends keyof WebSocketEvents>(type: Type, listener: WebSocketListener<Type>): void {
    (this.listeners[type] as Set<WebSocketListener<Type>>).delete(listener);
  }

  private tell<Type extends keyof WebSocketEvents>(type: Type, event: WebSocketEvents[Type]): void {
    for (const listener of [...(this.listeners[type] as Set<WebSocketListener<Type>>)]) listener(event);
  }
}

function has<Name extends string>(value: object, ...names: Name[]): value is { [name in Name]: (...args: never[]) => unknown } {
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

/** Whether it has what EmitterWebSocketAdapter needs. */
export function isEmitterWebSocket(value: unknown): value is EmitterWebSocket {
  return typeof value === "object" && value !== null && has(value, "on", "off", "send", "close");
}

/**
 * A socket with the listener interface: one that has addEventListener and removeEventListener comes back as it is, an
 * emitter-style one is wrapped. Throws TypeError for anything else.
 */
export function adaptNodeWebSocket(socket: unknown): WebSocketLike {
  if (typeof socket === "object" && socket !== null && has(socket, "send", "close")) {
    if (has(socket, "addEventListener", "removeEventListener")) {
      if (has(socket, "on")) {
        (socket as unknown as EmitterWebSocket).on("error", () => {}); // see EmitterWebSocketAdapter
        answerPings(socket);
      }
      return socket as unknown as WebSocketLike;
    }
    if (isEmitterWebSocket(socket)) return new EmitterWebSocketAdapter(socket);
  }
  throw new TypeError("not a WebSocket");
}
