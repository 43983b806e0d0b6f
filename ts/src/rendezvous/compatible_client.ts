// A client of the original protocol, for registries and peers that have no other.
// Layer rendezvous. One secret per pair for ever, no protection against repetition. Source: SECURE_WEBSOCKET, "The original protocol".

import { deferred, quietly, randomBytes, systemClock, wipe, type Clock } from "../base/index.js";
import type { DialOptions } from "../endpoint/options.js";
import type { Contact, Contacts, PublicKey } from "../identity/index.js";
import { legacyNonceBytes, legacyOpen, legacySeal, legacySecret, legacySecretOf } from "../identity/legacy.js";
import { Alarm } from "./alarm.js";
import { CompatibleMachine } from "./compatible_machine.js";
import { RendezvousError, type RendezvousErrorCode } from "./error.js";
import type { TextLink } from "./frame_stream.js";
import { registrationTimeoutMs } from "./limits.js";
import { keyOf, keysOf } from "./names.js";
import type { ContactName } from "./options.js";
import { checkRegistryUrl, dialOptions, nameFailure, openText } from "./registry_connection.js";

/** A message of a contact. `from` is what its envelope says; it may have come before, or never have been sent by it since we last spoke. */
export interface CompatibleMessage {
  readonly type: "MESSAGE";
  readonly from: Contact;
  /** Any JSON value. */
  readonly message: unknown;
}

/** How a client of the original protocol is set up. */
export interface CompatibleSocketOptions {
  /** Of the registry, as SecureSocketClient takes it; the own key is put behind it. */
  readonly url: string;
  /** The keys that it may have: 43 characters each, at least one. */
  readonly registryKeys: readonly (string | PublicKey)[];
  /** Who we are, and whom we know. */
  readonly contacts: Contacts;
  /** From an open connection to a registration. Default 10 000. */
  readonly registrationTimeoutMs?: number | undefined;
  /** Told messages of contacts that are not blocked; and, of those, what cannot be opened, with `invalid_frame`. */
  readonly onMessage?: ((error: RendezvousError | null, message?: CompatibleMessage) => void) | undefined;
  /** Told once that a registered client is no more; the code is `closed` after close(). */
  readonly onClose?: ((error: RendezvousError) => void) | undefined;
  /** Origin and WebSockets. */
  readonly connect?: Partial<DialOptions> | undefined;
  /** Gives create() up. */
  readonly signal?: AbortSignal | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

interface Waiter {
  resolve(): void;
  reject(error: RendezvousError): void;
}

/**
 * Registered from create() to its end; nothing is got back. Proves its key by sealing a text of the registry, which therefore must be a pinned one and no
 * contact's: it could have anything sealed to that contact.
 */
export class CompatibleSocketClient {
  readonly #contacts: Contacts;
  readonly #pins: readonly PublicKey[];
  readonly #options: CompatibleSocketOptions;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #waiters = new Map<number, Waiter>();
  #machine!: CompatibleMachine;
  #link: TextLink | undefined;
  #onRegistration: Waiter | undefined;

  private constructor(options: CompatibleSocketOptions) {
    this.#options = options;
    this.#contacts = options.contacts;
    this.#pins = keysOf(options.registryKeys);
    this.#clock = options.clock ?? systemClock;
    this.#alarm = new Alarm(this.#clock, (nowMs) => {
      this.#machine.advance(nowMs);
      this.#perform();
    });
  }

  /**
   * Connects and registers. Throws RendezvousError: invalid_url, missing_key, invalid_option, connect_failed, connection_lost, registration_timeout,
   * unpinned_registry, key_mismatch when the registry has a contact's key, already_registered, invalid_frame, refused, aborted.
   */
  static async create(options: CompatibleSocketOptions): Promise<CompatibleSocketClient> {
    const { url, origin } = checkRegistryUrl(options.url);
    const { registrationTimeoutMs: timeoutMs = registrationTimeoutMs } = options;
    if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) throw new RendezvousError("invalid_option", "registrationTimeoutMs is a positive number");
    const client = new CompatibleSocketClient(options);
    await client.#register(url, origin, timeoutMs);
    return client;
  }

  /** Whether messages can be sent. */
  get isRegistered(): boolean {
    return this.#link !== undefined && this.#machine.isRegistered;
  }

  /**
   * Sends any JSON value to a contact; resolves when the registry has delivered it. Rejects with RendezvousError unknown_contact, message_not_json,
   * message_too_large (an envelope has at most 16 384 bytes), queue_full, not_registered; recipient_unavailable; connection_lost, closed.
   */
  async send(contact: ContactName, message: unknown): Promise<void> {
    const known = this.#contacts.get(keyOf(contact));
    if (known?.policy !== "allow" || this.#isPinned(known.publicKey)) throw new RendezvousError("unknown_contact");
    const text = jsonOf(message);
    const nonce = randomBytes(legacyNonceBytes);
    const secret = legacySecretOf(known);
    const sealed = legacySeal(secret, nonce, text);
    wipe(secret);
    const id = this.#machine.send(known.publicKey, nonce, sealed, this.#clock.monoMs());
    const settled = new Promise<void>((resolve, reject) => this.#waiters.set(id, { resolve, reject }));
    this.#perform();
    return settled;
  }

  /** The end; what was not delivered fails with `closed`. */
  close(): void {
    this.#lost("closed");
  }

  async #register(url: string, origin: string, timeoutMs: number): Promise<void> {
    const { connect = {}, signal, contacts } = this.#options;
    const publicKey = contacts.owner.publicKey;
    const registered = new Promise<void>((resolve, reject) => (this.#onRegistration = { resolve, reject }));
    registered.catch(() => {}); // awaited below
    const started = deferred<void>(); // there is a machine: a challenge may come together with the opening
    const abort = () => this.#lost("aborted");
    try {
      this.#link = await openText(`${url}/${publicKey.text}`, { ...dialOptions({ ...connect, clock: this.#clock }, origin), signal }, {
        onText: (text) => void started.promise.then(() => {
          this.#machine.text(text);
          this.#perform();
        }),
        onLost: () => void started.promise.then(() => this.#lost("connection_lost")),
      });
    } catch (error) {
      throw signal?.aborted === true ? new RendezvousError("aborted", undefined, { cause: error }) : nameFailure(error);
    }
    const isContact = (key: PublicKey) => contacts.get(key) !== undefined;
    this.#machine = new CompatibleMachine({ publicKey, pins: this.#pins, isContact, timeoutMs }, this.#clock.monoMs());
    started.resolve();
    this.#perform();
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    try {
      await registered;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #isPinned(key: PublicKey): boolean {
    return this.#pins.some((pin) => pin.equals(key));
  }

  #lost(code: RendezvousErrorCode): void {
    this.#machine.lost(code);
    this.#perform();
  }

  #perform(): void {
    for (let next = this.#machine.pollIntent(); next !== undefined; next = this.#machine.pollIntent()) {
      switch (next.want) {
        case "seal":
          void this.#seal(next.registryKey, next.nonce, next.text);
          break;
        case "send":
          this.#link?.send(next.text);
          break;
        case "registered":
          this.#onRegistration?.resolve();
          this.#onRegistration = undefined;
          break;
        case "open":
          this.#open(next.from, next.nonce, next.message);
          break;
        case "settle": {
          const waiter = this.#waiters.get(next.id);
          this.#waiters.delete(next.id);
          if (next.code === undefined) waiter?.resolve();
          else waiter?.reject(new RendezvousError(next.code));
          break;
        }
        case "fail":
          this.#fail(new RendezvousError(next.code));
      }
    }
    this.#alarm.set(this.#machine.deadline);
  }

  async #seal(registryKey: PublicKey, nonce: Uint8Array, text: string): Promise<void> {
    try {
      const secret = await legacySecret(this.#contacts.owner, registryKey);
      const message = legacySeal(secret, nonce, text);
      wipe(secret);
      this.#machine.sealed(message);
      this.#perform();
    } catch {
      this.#lost("invalid_option"); // the identity was destroyed
    }
  }

  #open(from: PublicKey, nonce: Uint8Array, message: string): void {
    const contact = this.#contacts.get(from);
    if (contact?.policy !== "allow" || this.#isPinned(from)) return;
    const secret = legacySecretOf(contact);
    const text = legacyOpen(secret, nonce, message);
    wipe(secret);
    const { onMessage } = this.#options;
    let value: unknown;
    try {
      value = JSON.parse(text as string);
    } catch {
      return quietly(() => onMessage?.(new RendezvousError("invalid_frame", "a message that does not open")));
    }
    quietly(() => onMessage?.(null, { type: "MESSAGE", from: contact, message: value }));
  }

  #fail(error: RendezvousError): void {
    const waiter = this.#onRegistration;
    this.#onRegistration = undefined;
    this.#link?.close();
    this.#link = undefined;
    if (waiter !== undefined) waiter.reject(error);
    else quietly(() => this.#options.onClose?.(error));
  }
}

/** Throws RendezvousError message_not_json. */
function jsonOf(value: unknown): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch (cause) {
    throw new RendezvousError("message_not_json", undefined, { cause });
  }
  throw new RendezvousError("message_not_json");
}
