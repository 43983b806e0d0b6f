// Clients of the original at a registry: what they say, with the original's defects repaired.
// Layer rendezvous. Told what arrives; RegistryMachine has admission and time. Source: REGISTRY, "Compatible mode".

import { encodeBase64url } from "../base/index.js";
import type { PublicKey } from "../identity/index.js";
import { legacyNonceBytes } from "../identity/legacy.js";
import { envelopeIn, keyIn, keyOfText, textOf } from "./compatible.js";
import { EarlyTexts } from "./early_texts.js";
import type { ConnectionId } from "./registry_machine.js";

/** What is said to an address that comes too often. */
export const tooOften = "too many registrations";

/** What a client of the original is told when it is not let in. */
export function failureText(error: string): string {
  return JSON.stringify({ type: "REGISTER_FAILURE", error });
}

/** To be opened with the secret of `from` and the current key: it must be the text. */
export interface CompatibleResponse {
  readonly from: PublicKey;
  readonly nonce: Uint8Array;
  readonly message: string;
  readonly text: string;
}

interface CompatibleHost {
  say(id: ConnectionId, text: string): void;
  close(id: ConnectionId, reason: string): void;
  verify(id: ConnectionId, response: CompatibleResponse): void;
  /** Whether there is room for one more key. */
  hasRoom(): boolean;
  /** Whether a client can be sent what others say. */
  hasRoomFor(id: ConnectionId): boolean;
  registered(id: ConnectionId): void;
}

interface Client {
  readonly pathKey: PublicKey | undefined;
  readonly nonce: Uint8Array;
  readonly text: string;
  state: "challenged" | "verifying" | "registered";
  key: PublicKey | undefined;
  /** What it says while its response is judged. */
  readonly early: EarlyTexts;
}

export class CompatibleRegistry {
  private readonly clients = new Map<ConnectionId, Client>();
  private readonly byKey = new Map<string, ConnectionId>();

  constructor(
    private readonly current: PublicKey,
    private readonly random: (bytes: number) => Uint8Array,
    private readonly host: CompatibleHost,
  ) {}

  get size(): number {
    return this.byKey.size;
  }

  /** `pathKey`: the key of the location, which must then be the one that registers. */
  opened(id: ConnectionId, pathKey: PublicKey | undefined, text: string): void {
    const nonce = this.random(legacyNonceBytes);
    this.clients.set(id, { pathKey, nonce, text, state: "challenged", key: undefined, early: new EarlyTexts() });
    this.host.say(id, JSON.stringify({ type: "CHALLENGE", from: this.current.text, nonce: encodeBase64url(nonce), challengeText: text }));
  }

  /** undefined for what is no text. */
  text(id: ConnectionId, text: string | undefined): void {
    const client = this.clients.get(id);
    if (client === undefined) return;
    if (text === undefined) return this.host.close(id, "not a text");
    if (client.state === "registered") return this.route(id, text);
    const response = envelopeIn(text);
    // Whatever else comes behind a registration is passed over.
    if (client.state === "verifying" && (response === undefined || textOf(response, "type") !== "MESSAGE" || client.early.add(text))) return;
    if (client.state !== "challenged" || response === undefined || textOf(response, "type") !== "CHALLENGE_RESPONSE") return this.fail(id, "a CHALLENGE_RESPONSE is expected");
    const from = keyIn(response, "from");
    if (from === undefined) return this.fail(id, "from is no public key");
    if (client.pathKey?.equals(from) === false) return this.fail(id, "from is not the key of the path");
    if (textOf(response, "to") !== this.current.text) return this.fail(id, "to is not the key of the server");
    if (textOf(response, "nonce") !== encodeBase64url(client.nonce)) return this.fail(id, "another nonce");
    client.state = "verifying";
    client.key = from;
    this.host.verify(id, { from, nonce: client.nonce, message: textOf(response, "message"), text: client.text });
  }

  /** How a response was judged. */
  verified(id: ConnectionId, isRight: boolean): void {
    const client = this.clients.get(id);
    if (client?.state !== "verifying" || client.key === undefined) return;
    if (!isRight) return this.fail(id, "the response does not fit the challenge");
    if (this.byKey.has(client.key.text)) return this.fail(id, "SOCKET_ALREADY_REGISTERED");
    if (!this.host.hasRoom()) return this.fail(id, "too many keys");
    client.state = "registered";
    this.byKey.set(client.key.text, id);
    this.host.registered(id);
    this.host.say(id, '{"type":"REGISTER_SUCCESS"}');
    for (const text of client.early.take()) this.route(id, text);
  }

  /** Tells it why, and closes. */
  fail(id: ConnectionId, error: string): void {
    this.host.say(id, failureText(error));
    this.host.close(id, error);
  }

  left(id: ConnectionId): void {
    const client = this.clients.get(id);
    this.clients.delete(id);
    if (client?.state === "registered" && client.key !== undefined) this.byKey.delete(client.key.text);
  }

  private route(id: ConnectionId, text: string): void {
    const envelope = envelopeIn(text);
    if (envelope === undefined || textOf(envelope, "type") !== "MESSAGE") return;
    const [from, to] = [this.idOf(textOf(envelope, "from")), this.idOf(textOf(envelope, "to"))];
    let error: string | undefined;
    if (from === undefined) error = "SOCKET_NOT_REGISTERED";
    else if (from !== id) error = "MISMATCHED_SOCKET_PUBLIC_KEY";
    else if (textOf(envelope, "message") === "") error = "MISSING_CONTENT_FIELD";
    // Whoever says more than the recipient reads hears of it; the recipient stays.
    else if (to === undefined || !this.host.hasRoomFor(to)) error = "RECIPIENT_NOT_AVAILABLE";
    if (error !== undefined || to === undefined) return this.host.say(id, JSON.stringify({ ...envelope, error }));
    this.host.say(to, text);
    this.host.say(id, JSON.stringify({ type: "MESSAGE_DELIVERED", to: textOf(envelope, "to"), nonce: textOf(envelope, "nonce") }));
  }

  private idOf(text: string): ConnectionId | undefined {
    const key = keyOfText(text);
    return key && this.byKey.get(key.text);
  }
}
