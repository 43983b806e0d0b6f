// A WebSocket without a network: tests open it, feed it, hold back what it sends, and count what is left.
import type { WebSocketEvents, WebSocketLike, WebSocketListener } from "../ws/socket.js";

type Type = keyof WebSocketEvents;

export class FakeWebSocket implements WebSocketLike {
  binaryType = "blob";
  readyState = 1;
  bufferedAmount = 0;
  /** What was sent, in order. */
  readonly sent: (string | Uint8Array)[] = [];
  /** Every close() of ours. */
  readonly closes: { code: number | undefined; reason: string | undefined }[] = [];
  /** send() throws this. */
  sendError: Error | undefined;
  /** Keeps the bytes of what is sent in bufferedAmount. */
  stalled = false;
  private readonly listeners = new Map<Type, Set<(event: never) => void>>();

  send(data: string | Uint8Array): void {
    if (this.sendError !== undefined) throw this.sendError;
    this.sent.push(data);
    if (this.stalled) this.bufferedAmount += data.length;
  }

  close(code?: number, reason?: string): void {
    this.closes.push({ code, reason });
    this.readyState = 2;
  }

  addEventListener<T extends Type>(type: T, listener: WebSocketListener<T>): void {
    if (!this.listeners.has(type)) this.listeners.set(type, new Set());
    this.listeners.get(type)?.add(listener);
  }

  removeEventListener<T extends Type>(type: T, listener: WebSocketListener<T>): void {
    this.listeners.get(type)?.delete(listener);
  }

  /** Listeners that somebody still has here. */
  get listening(): number {
    return [...this.listeners.values()].reduce((sum, each) => sum + each.size, 0);
  }

  /** As the network would. */
  emit<T extends Type>(type: T, event: WebSocketEvents[T]): void {
    for (const listener of [...(this.listeners.get(type) ?? [])]) listener(event as never);
  }

  receive(data: unknown): void {
    this.emit("message", { data });
  }
}
