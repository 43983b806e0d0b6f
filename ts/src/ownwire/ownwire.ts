// A chat with whoever is behind an OwnWire gateway: what applications call.
// Layer ownwire. Carries out what the machine wants. Source: PROTOCOL, "OwnWire".

import { wsPlatform } from "#ws-platform";
import { deferred, fromUtf8, quietly, systemClock, utf8, type CancelTimer, type Clock, type Deferred } from "../base/index.js";
import { pageSurroundings } from "../reconnect/browser/page.js";
import { isDraining } from "../reconnect/failure.js";
import type { AttemptId } from "../reconnect/machine.js";
import { checkSettings, type ReconnectSettings } from "../reconnect/settings.js";
import type { Surroundings } from "../reconnect/surroundings.js";
import { parseServerKey } from "../sealed/key.js";
import type { WebSocketFactory } from "../ws/socket.js";
import { checkAddress, checkPlace, type Address } from "./address.js";
import { ChatConnection } from "./connection.js";
import { embeddedServerKeys } from "./embedded.js";
import { OwnwireError } from "./error.js";
import { nameFailure } from "./failure.js";
import { defaultMaxQueue, maxAuthBytes, maxChatFrameBytes, maxMetadataBytes } from "./limits.js";
import { ChatMachine, type ChatIntent, type DeliveryStatus, type OwnwireState } from "./machine.js";
import { decodeSaved, type OwnwireStorage, type SavedChat } from "./saved.js";

/** How a chat is set up. All may be left out; in a script that a gateway serves the keys are there already. */
export interface OwnwireOptions {
  /** Pinned public keys of the gateway, base64url; replaces those that the script brought along. The first one is used. */
  server_keys?: readonly string[] | undefined;
  /** What the backend is told of this page, at most 4096 bytes; proves nothing. */
  metadata?: string | undefined;
  /** A token that the site's own backend signed, handed on unread; at most 8192 bytes. */
  auth?: string | undefined;
  /** Whether a lost connection is got back; or how. Default true: five attempts, with waits from 0.5 s that grow to 10 s. */
  reconnect?: boolean | ReconnectSettings | undefined;
  /** Texts that are neither delivered nor failed; one more is refused. Default 100. */
  max_queue?: number | undefined;
  /** Keeps the session for the next page. Default: it ends with this one. */
  storage?: OwnwireStorage | undefined;
  /** Where there is no page: the Origin header. Default: the origin of the URL. */
  origin?: string | undefined;
  /** Makes WebSockets. Default: the platform's; in Node those of the `ws` package. */
  ws_factory?: WebSocketFactory | undefined;
  /** For tests. */
  clock?: Clock | undefined;
}

/** What is known of a reply besides its text. */
export interface OwnwireMessageInfo {
  readonly session_id: string;
  /** Rises from 1; a gap stands for replies that could not be kept for us. */
  readonly seq: number;
  /** As the backend sent it. */
  readonly metadata?: string;
}

/** What is known of a session that is open. */
export interface OwnwireOpenInfo {
  readonly session_id: string;
  /** Whether it is the one from before. */
  readonly resumed: boolean;
}

/** Room for a frame's other members. */
const frameOverheadBytes = 64;

/**
 * One chat. Texts may be sent at once; they leave, in order, when the session is ready. What a handler throws is told to onError and
 * ends nothing.
 */
export class Ownwire {
  /** A reply. */
  onMessage: ((content: string, info: OwnwireMessageInfo) => void) | undefined;
  /** A session is ready, for the first time or again. */
  onOpen: ((info: OwnwireOpenInfo) => void) | undefined;
  /** The chat is over: close() and detach() give no error. */
  onClose: ((error: OwnwireError | undefined) => void) | undefined;
  /** Something went wrong. Unless the error is `fatal` the chat goes on. */
  onError: ((error: OwnwireError) => void) | undefined;
  /** The connection's state is another one. */
  onState: ((state: OwnwireState) => void) | undefined;
  /** Whether somebody over there is typing; only some backends say. */
  onTyping: ((on: boolean) => void) | undefined;
  /** What became of a text: `queued`, `sent`, and in the end `delivered` or `failed`, once. The id is that of send(). */
  onDelivery: ((id: number, status: DeliveryStatus) => void) | undefined;

  readonly #machine: ChatMachine;
  readonly #options: OwnwireOptions;
  readonly #address: Address;
  readonly #keys: readonly string[];
  readonly #clock: Clock;
  readonly #surroundings: Surroundings | undefined;
  readonly #connections = new Map<AttemptId, { readonly abort: AbortController; connection?: ChatConnection }>();
  #connecting: Deferred<void> | undefined;
  #isPerforming = false;
  #isDetached = false;
  #armedFor: number | undefined;
  #cancelTimer: CancelTimer = () => {};
  #stopWatching: (() => void) | undefined;

  /**
   * Checks everything and opens nothing. `url` is the gateway's public WebSocket: `wss:`; `https:` is taken as `wss:`; `ws:` and `http:` only to
   * this machine. Throws OwnwireError invalid_url, insecure_origin, missing_key, invalid_key, invalid_option. Keys are never fetched, and none is
   * trusted because it was there first.
   */
  constructor(url: string, options: OwnwireOptions = {}) {
    this.#address = checkAddress(url);
    checkPlace(wsPlatform.place());
    const { server_keys, metadata, auth, reconnect = true, max_queue: maxQueue = defaultMaxQueue } = options;
    const keys = server_keys ?? embeddedServerKeys();
    if (!Array.isArray(keys)) throw new OwnwireError("invalid_key", { message: "server_keys must be a list" });
    if (keys.length === 0) throw new OwnwireError("missing_key", { message: "server_keys is needed" });
    if (keys.some((key) => parseServerKey(key) === undefined)) throw new OwnwireError("invalid_key", { message: "a key is 43 characters of base64url" });
    checkText("metadata", metadata, maxMetadataBytes);
    checkText("auth", auth, maxAuthBytes);
    if (!Number.isSafeInteger(maxQueue) || maxQueue < 1) throw new OwnwireError("invalid_option", { message: "max_queue must be a positive integer" });
    const settings = typeof reconnect === "boolean" ? { enabled: reconnect } : { enabled: true, ...reconnect };
    try {
      checkSettings(settings, "refreshable");
    } catch (cause) {
      throw new OwnwireError("invalid_option", { message: "reconnect", cause });
    }
    this.#keys = [...keys];
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#surroundings = pageSurroundings();
    this.#machine = new ChatMachine({ metadata, auth, reconnect: settings, maxQueue, saved: this.#load() }, Math.random);
  }

  /** Of the connection. */
  get state(): OwnwireState {
    return this.#machine.state;
  }

  /** Ids of the texts that are neither delivered nor failed, those of a former page included. */
  get pending(): readonly number[] {
    return this.#machine.pending;
  }

  /**
   * Starts. Resolves when the session is ready for the first time; nobody has to wait for it. While it is under way, and after it
   * succeeded, the same promise again. Rejects with the OwnwireError that ended the chat, or `closed`. After the end it starts anew.
   */
  connect(): Promise<void> {
    const { state } = this.#machine;
    if (this.#connecting === undefined || state === "idle" || state === "closed") {
      const connecting = (this.#connecting = deferred<void>());
      connecting.promise.catch(() => {}); // may be ignored
      if (this.#isDetached) this.#carryOutAll(); // a handler may be here before what it detached is stored
      if (this.#isDetached) this.#machine.restore(this.#load());
      this.#isDetached = false;
      this.#machine.connect((error) => (error === undefined ? connecting.resolve() : connecting.reject(error)));
      this.#perform();
    }
    return this.#connecting.promise;
  }

  /**
   * Sends a text, or keeps it until there is a session; returns its id, which rises from 1. An empty text is ignored: 0. Throws OwnwireError
   * `queue_full`, `content_too_large` (65 536 bytes, or less if the gateway says so), `closed`.
   */
  send(text: string): number {
    const bytes = utf8(String(text));
    if (bytes.length === 0) return 0;
    const content = fromUtf8(bytes); // without halves of characters
    // Escapes may make a text longer than a frame.
    const isLong = utf8(JSON.stringify(content)).length + frameOverheadBytes > maxChatFrameBytes;
    const id = this.#machine.send(content, isLong ? Infinity : bytes.length, this.#clock.monoMs());
    this.#perform();
    return id;
  }

  /** Tells the backend that the user types, or stopped to. Only while there is a session, and only for backends that want to know. */
  typing(on: boolean): void {
    this.#machine.typing(on);
    this.#perform();
  }

  /** Other metadata, from the next connection on. Throws OwnwireError invalid_option. */
  setMetadata(metadata: string | undefined): void {
    checkText("metadata", metadata, maxMetadataBytes);
    this.#machine.metadata = metadata;
  }

  /** Ends the session: the gateway is told, what was not delivered has failed, and nothing is kept. */
  close(): void {
    this.#machine.close();
    this.#perform();
  }

  /**
   * Ends the connection and leaves the session to the next page, with the texts that are pending; connect() goes on with what is stored then.
   * For chats that have a storage. Without one, and before there was a session, the texts have failed.
   */
  detach(): void {
    const isKept = this.#options.storage !== undefined;
    this.#isDetached ||= isKept && this.state !== "closed";
    this.#machine.detach(isKept);
    this.#perform();
  }

  #load(): SavedChat | undefined {
    let saved: string | null | undefined;
    quietly(() => (saved = this.#options.storage?.load()));
    return decodeSaved(saved);
  }

  /** Not re-entrant: what a handler does is picked up by the loop that is running. */
  #perform(): void {
    if (this.#isPerforming) return;
    this.#isPerforming = true;
    try {
      this.#carryOutAll();
    } finally {
      this.#isPerforming = false;
    }
    this.#setTimer();
    this.#watchSurroundings();
  }

  #carryOutAll(): void {
    for (let next = this.#machine.pollIntent(); next !== undefined; next = this.#machine.pollIntent()) this.#carryOut(next);
  }

  #carryOut(intent: ChatIntent): void {
    switch (intent.want) {
      case "dial":
        return void this.#dial(intent.attempt);
      case "send":
        return this.#connections.get(intent.attempt)?.connection?.send(intent.frame);
      case "drop":
      case "leave":
        return this.#end(intent.attempt, intent.want);
      case "save":
        return quietly(() => this.#options.storage?.save(intent.text));
      case "answer":
        return intent.answer(intent.error);
      case "state":
        return this.#call(() => this.onState?.(intent.state));
      case "open":
        return this.#call(() => this.onOpen?.({ session_id: intent.sessionId, resumed: intent.resumed }));
      case "message": {
        const { content, sessionId, seq, metadata } = intent;
        return this.#call(() => this.onMessage?.(content, { session_id: sessionId, seq, ...(metadata !== undefined && { metadata }) }));
      }
      case "delivery":
        return this.#call(() => this.onDelivery?.(intent.id, intent.status));
      case "typing":
        return this.#call(() => this.onTyping?.(intent.on));
      case "error":
        return quietly(() => this.onError?.(intent.error));
      case "close":
        return this.#call(() => this.onClose?.(intent.error));
    }
  }

  #call(handler: () => void): void {
    try {
      handler();
    } catch (cause) {
      quietly(() => this.onError?.(new OwnwireError("handler_failed", { cause })));
    }
  }

  async #dial(attempt: AttemptId): Promise<void> {
    const entry: { abort: AbortController; connection?: ChatConnection } = { abort: new AbortController() };
    this.#connections.set(attempt, entry);
    const { url, origin } = this.#address;
    const { origin: given, ws_factory } = this.#options;
    const { place, webSocket } = wsPlatform;
    const lost = (error: unknown) => {
      this.#connections.delete(attempt);
      this.#machine.lost(attempt, nameFailure(error), isDraining(error), this.#clock.monoMs());
      this.#perform();
    };
    try {
      entry.connection = await ChatConnection.open(
        { wsUrl: url, serverKeys: this.#keys },
        {
          origin: place().origin ?? given ?? origin,
          wsFactory: ws_factory ?? webSocket,
          signal: entry.abort.signal,
          clock: this.#clock,
        },
        {
          onFrame: (frame) => {
            this.#machine.frame(attempt, frame, this.#clock.monoMs());
            this.#perform();
          },
          onLost: lost,
        },
      );
    } catch (error) {
      return lost(error);
    }
    if (entry.abort.signal.aborted) return entry.connection.drop();
    this.#machine.opened(attempt, this.#clock.monoMs());
    this.#perform();
  }

  #end(attempt: AttemptId, how: "drop" | "leave"): void {
    const entry = this.#connections.get(attempt);
    this.#connections.delete(attempt);
    entry?.abort.abort();
    quietly(() => entry?.connection?.[how]());
  }

  #setTimer(): void {
    const { deadline } = this.#machine;
    if (deadline === this.#armedFor) return;
    this.#cancelTimer();
    this.#armedFor = deadline;
    if (deadline === undefined) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, deadline - this.#clock.monoMs()), () => {
      this.#armedFor = undefined;
      this.#lookAround();
      this.#machine.advance(this.#clock.monoMs());
      this.#perform();
    });
  }

  #lookAround(): void {
    this.#machine.online = this.#surroundings?.isOnline() ?? true;
  }

  #watchSurroundings(): void {
    const { state } = this.#machine;
    if (state === "idle" || state === "closed") {
      this.#stopWatching?.();
      this.#stopWatching = undefined;
      return;
    }
    this.#stopWatching ??= this.#surroundings?.watch(() => {
      this.#lookAround();
      if (this.#machine.online) this.#machine.hurry(this.#clock.monoMs());
      if (this.#machine.state === "open") for (const { connection } of this.#connections.values()) connection?.probe();
      this.#perform();
    });
  }
}

function checkText(name: string, text: unknown, maxBytes: number): void {
  if (text === undefined) return;
  if (typeof text !== "string" || utf8(text).length > maxBytes) throw new OwnwireError("invalid_option", { message: `${name} must be a text of at most ${maxBytes} bytes` });
}
