// How a client is set up, and what it tells.
// Layer rendezvous. Types only. Source: SECURE_WEBSOCKET, "TypeScript".

import type { Clock } from "../base/index.js";
import type { Contact, Contacts, Identity, OpenInvitations, PublicKey } from "../identity/index.js";
import type { ReconnectSettings } from "../reconnect/settings.js";
import type { RpcRouter } from "../rpc/router.js";
import type { YamuxStream } from "../yamux/index.js";
import type { ChannelOptions } from "./channel.js";
import type { RendezvousError } from "./error.js";
import type { PeerState } from "./peer_machine.js";
import type { RegistryTransport } from "./registry_connection.js";
import type { RegistryState } from "./registry_link.js";

/** Where a registry is, and which it is. */
export interface RegistryAddress {
  /** `wss:`; `https:` is taken as `wss:`; `ws:` and `http:` only to this machine. The paths of the protocol are put behind it. */
  readonly url: string;
  /** The keys that it may have, from where nobody on the way has a say: 43 characters each, at least one. The first one is sealed to. */
  readonly registryKeys: readonly (string | PublicKey)[];
}

/**
 * A message of a contact. It is acknowledged when onMessage has returned. When that throws, it is not: the channel is closed, and the message comes
 * again on the next one.
 */
export interface ReceivedMessage {
  readonly type: "MESSAGE";
  readonly from: Contact;
  /** Any JSON value. */
  readonly message: unknown;
  /** Unix milliseconds, as the sender says; for display, not for order. */
  readonly sentAtMs?: number | undefined;
}

/** A call of somebody who is no contact. Do nothing, and nobody learns that we are there. */
export interface IncomingCall {
  readonly from: PublicKey;
  /** At most 256 bytes, of anybody's making. */
  readonly note?: string | undefined;
  readonly registryUrl: string;
  /** Makes a contact of the caller and takes the call, unless it is over. Throws IdentityError, as Contacts.add(). */
  accept(name: string): Promise<Contact>;
  /** The registry is told; the caller is not. */
  decline(): void;
}

/** What becomes of registries, channels and contacts. */
export type SecureSocketEvent =
  | { readonly type: "registry"; readonly url: string; readonly state: RegistryState; readonly error?: RendezvousError | undefined }
  | { readonly type: "channel"; readonly key: PublicKey; readonly state: PeerState; readonly error?: RendezvousError | undefined }
  /** Both watch each other when it says online; when it says offline, they may not. */
  | { readonly type: "presence"; readonly key: PublicKey; readonly online: boolean }
  /** Somebody came in with an invitation of ours: a contact now, verified, and worth storing. */
  | { readonly type: "guest"; readonly contact: Contact }
  /** An invitation of ours is used up, and nobody new came in: who used it is a contact already, or could not be made one. `note` is that of invitationNote(). */
  | { readonly type: "invitation_used"; readonly key: PublicKey; readonly note: string }
  /** A call of a contact came to nothing. */
  | { readonly type: "call_failed"; readonly key: PublicKey; readonly error: unknown };

/** How a client is set up. */
export interface SecureSocketOptions {
  /** One registry; or see `registries`. */
  readonly url?: string | undefined;
  /** Its keys. Required with `url`. */
  readonly registryKeys?: readonly (string | PublicKey)[] | undefined;
  /** Several; a contact is called by way of each. */
  readonly registries?: readonly RegistryAddress[] | undefined;
  /** Who we are. Not needed with `contacts`, which know their owner. */
  readonly identity?: Identity | undefined;
  /** Whom we know. Default: nobody. */
  readonly contacts?: Contacts | undefined;
  /** Invitations that were given away before: those of the identity file. Default: none. */
  readonly invitations?: OpenInvitations | undefined;
  /** Default `sealed`. */
  readonly transport?: RegistryTransport | undefined;
  /** Takes the registration of another program with the same key over, once. Default false. */
  readonly replace?: boolean | undefined;
  /** From an open connection to a registration, work not counted. Default 10 000. */
  readonly registrationTimeoutMs?: number | undefined;
  /** For registrations that are lost. Default: 100 attempts. */
  readonly reconnect?: ReconnectSettings | undefined;
  /** For channels: attempts of one round, and the waits between them. */
  readonly calls?: ReconnectSettings | undefined;
  /**
   * Options of the stack, for registries and channels: origin, WebSockets, limits. `transportSecurityPolicy` is about tunnels: by default they must have TLS,
   * except that a plaintext registry on this machine may name a plaintext tunnel there.
   */
  readonly connect?: Partial<ChannelOptions> | undefined;
  /** Whether registries are told that we watch our contacts. Default true. */
  readonly watchContacts?: boolean | undefined;
  /** A channel that nobody uses for so long is closed. Default 600 000. */
  readonly channelIdleMs?: number | undefined;
  /** Gives create() up. */
  readonly signal?: AbortSignal | undefined;
  /** Told each message once, those of one contact in order; and the error with which the last registry was given up. What it throws: see ReceivedMessage. */
  readonly onMessage?: ((error: RendezvousError | null, message?: ReceivedMessage) => void) | undefined;
  /** Told calls of unknown people. Absent: they are not answered. */
  readonly onIncoming?: ((call: IncomingCall) => void) | undefined;
  /** Told what becomes of registries, channels and contacts. */
  readonly onState?: ((event: SecureSocketEvent) => void) | undefined;
  /** Takes streams that a contact opens, of kinds other than messages and calls. Absent, or when it throws: they are reset. */
  readonly onStream?: ((from: Contact, kind: string, stream: YamuxStream) => void) | undefined;
  /** Serves calls of a contact. Absent, or when it throws: they fail. */
  readonly routerFor?: ((from: Contact) => RpcRouter | undefined) | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

/** A contact, its key, or an address as people type it: `[site/]key`. */
export type ContactName = Contact | PublicKey | string;
