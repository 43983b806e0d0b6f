// A contact in the shape of a WebSocket: for programs that were written for one.
// Layer rendezvous. Source: SECURE_WEBSOCKET, "The shape of a WebSocket".

import { quietly } from "../base/index.js";
import { parseAddress, type PublicKey } from "../identity/index.js";
import { RendezvousError } from "./error.js";
import type { ReceivedMessage } from "./options.js";
import type { SecureSocketClient } from "./secure_socket_client.js";

/** What onmessage is given: `data` is a JSON value. */
export interface SecureMessageEvent {
  readonly type: "message";
  readonly data: unknown;
  /** The contact's key. */
  readonly origin: string;
}

/** What onclose is given: 1000 after close(), 1006 otherwise, with the code of the error as reason. */
export interface SecureCloseEvent {
  readonly type: "close";
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** What onerror is given: a message that did not arrive, or a connection that did not come to be. */
export interface SecureErrorEvent {
  readonly type: "error";
  readonly error: unknown;
}

/**
 * One contact of a client. Opens at once: a channel is got, and got back when it is lost, for which nothing is told. Messages are acknowledged
 * and come once, in order. It closes when the contact cannot be reached any more, or with close(); the client lives on.
 */
export class SecureWebSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  /** There is a channel. */
  onopen: ((event: { readonly type: "open" }) => void) | null = null;
  /** A message. Without a handler, or when it throws, it is not acknowledged, unless the client has an onMessage that took it. */
  onmessage: ((event: SecureMessageEvent) => void) | null = null;
  /** Something went wrong. */
  onerror: ((event: SecureErrorEvent) => void) | null = null;
  /** The end. */
  onclose: ((event: SecureCloseEvent) => void) | null = null;
  /** `[site/]key`, as it was given. */
  readonly url: string;
  /** Of the contact. */
  readonly publicKey: PublicKey;
  #state = SecureWebSocket.CONNECTING;
  #unacknowledged = 0;
  readonly #client: SecureSocketClient;
  readonly #stop: () => void;

  /** `location`: an address `[site/]key` of a contact of the client. Throws IdentityError for what is none; RendezvousError unknown_contact. */
  constructor(location: string, client: SecureSocketClient) {
    const { key } = parseAddress(location);
    if (client.contacts.get(key)?.policy !== "allow") throw new RendezvousError("unknown_contact");
    this.url = location;
    this.publicKey = key;
    this.#client = client;
    this.#stop = client.onReceived((message) => this.#received(message));
    client.open(key).then(
      () => {
        if (this.#state !== SecureWebSocket.CONNECTING) return;
        this.#state = SecureWebSocket.OPEN;
        quietly(() => this.onopen?.({ type: "open" }));
      },
      (error: unknown) => this.#failed(error),
    );
  }

  /** 0 connecting, 1 open, 3 closed. */
  get readyState(): number {
    return this.#state;
  }

  /** Messages that are not acknowledged. A WebSocket has bytes here. */
  get bufferedAmount(): number {
    return this.#unacknowledged;
  }

  /** Sends any JSON value. Throws RendezvousError closed when it is. */
  send(data: unknown): void {
    if (this.#state >= SecureWebSocket.CLOSING) throw new RendezvousError("closed");
    this.#unacknowledged++;
    this.#client.send(this.publicKey, data).then(
      () => this.#unacknowledged--,
      (error: unknown) => {
        this.#unacknowledged--;
        const { code } = Object(error) as { code?: unknown };
        // What was not taken ends nothing.
        if (code === "queue_full" || code === "message_too_large" || code === "message_not_json") quietly(() => this.onerror?.({ type: "error", error }));
        else this.#failed(error);
      },
    );
  }

  /** Takes no more messages of the contact. What was sent and not acknowledged still goes its way. */
  close(): void {
    this.#end(1000, "");
  }

  /** False: it is not taken. */
  #received({ from, message }: ReceivedMessage): boolean {
    if (!from.publicKey.equals(this.publicKey) || this.onmessage === null) return false;
    const handled: unknown = this.onmessage({ type: "message", data: message, origin: this.publicKey.text });
    quietly(() => handled); // of an async function: it was taken, whatever comes of it later
    return true;
  }

  #failed(error: unknown): void {
    if (this.#state === SecureWebSocket.CLOSED) return;
    quietly(() => this.onerror?.({ type: "error", error }));
    this.#end(1006, error instanceof RendezvousError ? error.code : "channel_failed");
  }

  #end(code: number, reason: string): void {
    if (this.#state === SecureWebSocket.CLOSED) return;
    this.#state = SecureWebSocket.CLOSED;
    this.#stop();
    quietly(() => this.onclose?.({ type: "close", code, reason, wasClean: code === 1000 }));
  }
}
