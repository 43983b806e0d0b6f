// A client of the compatible mode, from an open connection to its end.
// Layer rendezvous. Told what the registry says and the time, it answers with intents; whoever asks it does the cryptography.
// Source: REGISTRY, "Compatible mode".

import { encodeBase64url } from "../base/index.js";
import type { PublicKey } from "../identity/index.js";
import { codeNamed, envelopeIn, keyIn, nonceIn, textOf, type Envelope } from "./compatible.js";
import { RendezvousError, type RendezvousErrorCode } from "./error.js";
import { ackTimeoutMs, maxQueuedMessageBytes, maxQueuedMessages, maxRegistryFrameBytes } from "./limits.js";

/** What the machine wants, in this order. */
export type CompatibleIntent =
  /** Seal `text` for the registry; then sealed(). */
  | { readonly want: "seal"; readonly registryKey: PublicKey; readonly nonce: Uint8Array; readonly text: string }
  | { readonly want: "send"; readonly text: string }
  | { readonly want: "registered" }
  /** Open it with the secret of `from`, if that is a contact. */
  | { readonly want: "open"; readonly from: PublicKey; readonly nonce: Uint8Array; readonly message: string }
  /** Complete the send() of this number. */
  | { readonly want: "settle"; readonly id: number; readonly code: RendezvousErrorCode | undefined }
  /** It is over; the connection is to be closed. */
  | { readonly want: "fail"; readonly code: RendezvousErrorCode };

export interface CompatibleSettings {
  readonly publicKey: PublicKey;
  readonly pins: readonly PublicKey[];
  /** A registry that has a contact's key would have us encrypt to that contact what it chose. */
  readonly isContact: (key: PublicKey) => boolean;
  readonly timeoutMs: number;
}

interface Unconfirmed {
  readonly id: number;
  readonly bytes: number;
  readonly byMs: number;
}

type State = "waiting" | "sealing" | "asked" | "registered" | "over";

export class CompatibleMachine {
  private state: State = "waiting";
  private readonly registerByMs: number;
  private readonly intents: CompatibleIntent[] = [];
  /** By recipient and nonce, in the order of their time-outs. */
  private readonly unconfirmed = new Map<string, Unconfirmed>();
  private unconfirmedBytes = 0;
  private lastId = 0;
  private challenge: { readonly registryKey: PublicKey; readonly nonce: Uint8Array } | undefined;

  /** The connection is open. */
  constructor(
    private readonly settings: CompatibleSettings,
    nowMs: number,
  ) {
    this.registerByMs = nowMs + settings.timeoutMs;
  }

  get isRegistered(): boolean {
    return this.state === "registered";
  }

  get deadline(): number | undefined {
    if (this.state === "over") return undefined;
    if (this.state !== "registered") return this.registerByMs;
    const [oldest] = this.unconfirmed.values();
    return oldest?.byMs;
  }

  pollIntent(): CompatibleIntent | undefined {
    return this.intents.shift();
  }

  /** What the registry said. */
  text(text: string): void {
    if (this.state === "over") return;
    const envelope = envelopeIn(text);
    if (envelope === undefined) return this.fail("invalid_frame");
    const type = textOf(envelope, "type");
    if (this.state === "registered") return this.registeredText(envelope, type);
    if (type === "REGISTER_FAILURE") return this.fail(codeNamed(textOf(envelope, "error"), "refused"));
    if (type === "CHALLENGE" && this.state === "waiting") return this.challenged(envelope);
    if (type !== "REGISTER_SUCCESS" || this.state !== "asked") return this.fail("invalid_frame");
    this.state = "registered";
    this.intents.push({ want: "registered" });
  }

  /** The challenge, sealed. */
  sealed(message: string): void {
    const { challenge } = this;
    if (this.state !== "sealing" || challenge === undefined) return;
    this.state = "asked";
    const to = challenge.registryKey.text;
    this.say({ type: "CHALLENGE_RESPONSE", from: this.settings.publicKey.text, to, nonce: encodeBase64url(challenge.nonce), message });
  }

  /**
   * Sends a sealed message; `nonce` is fresh. Returns its number, which is settled when the registry has delivered it, or has not. Throws
   * RendezvousError not_registered, message_too_large, queue_full.
   */
  send(to: PublicKey, nonce: Uint8Array, message: string, nowMs: number): number {
    if (this.state !== "registered") throw new RendezvousError("not_registered");
    const envelope = { type: "MESSAGE", from: this.settings.publicKey.text, to: to.text, nonce: encodeBase64url(nonce), message };
    const bytes = JSON.stringify(envelope).length;
    if (bytes > maxRegistryFrameBytes) throw new RendezvousError("message_too_large");
    if (this.unconfirmed.size >= maxQueuedMessages || this.unconfirmedBytes + bytes > maxQueuedMessageBytes) throw new RendezvousError("queue_full");
    const id = ++this.lastId;
    this.unconfirmedBytes += bytes;
    this.unconfirmed.set(nameOf(envelope), { id, bytes, byMs: nowMs + ackTimeoutMs });
    this.say(envelope);
    return id;
  }

  /** The connection is gone, or was closed. */
  lost(code: RendezvousErrorCode): void {
    if (this.state !== "over") this.fail(code);
  }

  advance(nowMs: number): void {
    const { deadline } = this;
    if (deadline !== undefined && nowMs >= deadline) this.fail(this.state === "registered" ? "connection_lost" : "registration_timeout");
  }

  private challenged(envelope: Envelope): void {
    const [registryKey, nonce, text] = [keyIn(envelope, "from"), nonceIn(envelope), textOf(envelope, "challengeText")];
    if (registryKey === undefined || nonce === undefined || text === "") return this.fail("invalid_frame");
    if (!this.settings.pins.some((pin) => pin.equals(registryKey))) return this.fail("unpinned_registry");
    if (this.settings.isContact(registryKey)) return this.fail("key_mismatch");
    this.state = "sealing";
    this.challenge = { registryKey, nonce };
    this.intents.push({ want: "seal", registryKey, nonce, text });
  }

  private registeredText(envelope: Envelope, type: string): void {
    if (Object.hasOwn(envelope, "error")) return this.confirm(envelope, codeNamed(textOf(envelope, "error"), "refused"));
    if (type === "MESSAGE_DELIVERED") return this.confirm(envelope, undefined);
    if (type === "CHALLENGE") return this.fail("invalid_frame"); // sealed once, never again
    if (type !== "MESSAGE") return;
    const [from, nonce] = [keyIn(envelope, "from"), nonceIn(envelope)];
    if (from === undefined || nonce === undefined || textOf(envelope, "to") !== this.settings.publicKey.text) return;
    this.intents.push({ want: "open", from, nonce, message: textOf(envelope, "message") });
  }

  private confirm(envelope: Envelope, code: RendezvousErrorCode | undefined): void {
    const name = nameOf({ to: textOf(envelope, "to"), nonce: textOf(envelope, "nonce") });
    const found = this.unconfirmed.get(name);
    if (found === undefined) return;
    this.unconfirmed.delete(name);
    this.unconfirmedBytes -= found.bytes;
    this.intents.push({ want: "settle", id: found.id, code });
  }

  private say(envelope: Envelope): void {
    this.intents.push({ want: "send", text: JSON.stringify(envelope) });
  }

  private fail(code: RendezvousErrorCode): void {
    this.state = "over";
    for (const { id } of this.unconfirmed.values()) this.intents.push({ want: "settle", id, code });
    this.unconfirmed.clear();
    this.intents.push({ want: "fail", code });
  }
}

const nameOf = ({ to, nonce }: { readonly to: string; readonly nonce: string }): string => `${to} ${nonce}`;
