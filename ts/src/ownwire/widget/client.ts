// The seam between the chat and the SDK: what the chat wants to know, in the words it shows.
// Layer ownwire.

/** State of the connection, as the SDK names it. */
export type ConnectionState = "idle" | "connecting" | "open" | "reconnecting" | "closed";

/** Of a text, as the SDK names it. */
export type DeliveryStatus = "queued" | "sent" | "delivered" | "failed";

/** What went wrong, as the SDK names it. `fatal`: the session is over. */
export interface Problem {
  readonly code: string;
  /** The text that it is about; else it is about the connection. */
  readonly id?: number | undefined;
  readonly fatal: boolean;
}

/** What a client reports. */
export interface ClientEvents {
  state(state: ConnectionState): void;
  reply(text: string): void;
  /** A text's new state, by the number that send() gave. */
  delivery(id: number, status: DeliveryStatus): void;
  typing(on: boolean): void;
  problem(problem: Problem): void;
}

/** What the chat needs of the SDK. */
export interface ChatClient {
  connect(): void;
  /** Gives the message's number. Throws when too many wait. */
  send(text: string): number;
  typing(on: boolean): void;
  setMetadata(metadata: string): void;
  /** Numbers of texts, also of a former page, that are neither delivered nor failed. */
  readonly pending: readonly number[];
  /** Ends the connection, not the session. Nothing is reported afterwards. */
  detach(): void;
}

/** Makes a client. Throws on an unusable address, origin or key. */
export type MakeClient = (events: ClientEvents) => ChatClient;
