// Two WebSockets joined in memory. Everything arrives in a later turn, whole and in order, as over a network.
import { FakeWebSocket } from "./fake_web_socket.js";

export class PairedWebSocket extends FakeWebSocket {
  peer!: PairedWebSocket;
  /** Called for each message on its way out; undefined drops it. */
  tamper: (data: string | Uint8Array) => string | Uint8Array | undefined = (data) => data;

  /** `opening`: the first one opens in a later turn, as a client's does. */
  static pair(opening = true): [client: PairedWebSocket, server: PairedWebSocket] {
    const [a, b] = [new PairedWebSocket(), new PairedWebSocket()];
    a.peer = b;
    b.peer = a;
    if (opening) {
      a.readyState = 0;
      setImmediate(() => a.open());
    }
    return [a, b];
  }

  open(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.emit("open", {});
  }

  override send(data: string | Uint8Array): void {
    super.send(typeof data === "string" ? data : data.slice());
    const sent = this.tamper(typeof data === "string" ? data : data.slice());
    if (sent !== undefined) setImmediate(() => this.peer.readyState === 1 && this.peer.receive(sent));
  }

  override close(code = 1005, reason = ""): void {
    if (this.readyState >= 2) return;
    super.close(code, reason);
    this.readyState = 3;
    setImmediate(() => this.peer.drop(code, reason));
  }

  /** The network, or the other side, ends it. */
  drop(code = 1006, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.emit("close", { code, reason });
  }
}
