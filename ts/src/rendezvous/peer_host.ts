// What a contact needs of its client, and what is shown of it.
// Layer rendezvous. Types only, but for abortable() and sessionOf().

import { deferred, type Clock, type Deferred } from "../base/index.js";
import type { Contact, EphemeralKey, Identity, PublicKey } from "../identity/index.js";
import type { ReconnectSettings } from "../reconnect/settings.js";
import type { RpcClient } from "../rpc/client.js";
import type { RpcRouter } from "../rpc/router.js";
import type { YamuxStream } from "../yamux/index.js";
import type { Channel, ChannelOptions } from "./channel.js";
import type { FrameStream } from "./frame_stream.js";
import { RendezvousError, type RendezvousErrorCode } from "./error.js";
import type { ClientFrame, ServerFrame } from "./frames.js";
import type { LinkId, Offer, PeerState } from "./peer_machine.js";
import type { ChannelTicket } from "./ticket.js";

/** What a client tells one of its contacts. */
export interface HostedPeer {
  readonly publicKey: PublicKey;
  readonly state: PeerState;
  granted(link: LinkId, registry: number, eph: PublicKey, ticket: ChannelTicket): void;
  refused(link: LinkId, registry: number, code: RendezvousErrorCode): void;
}

/** The session with a contact, for streams and calls of the application's own. It ends with the channel. */
export interface PeerSession {
  readonly publicKey: PublicKey;
  /** We called. */
  readonly isCaller: boolean;
  /** How it ended; undefined when it was closed here. Never rejects. */
  readonly ended: Promise<Error | undefined>;
  /** Opens a stream of a kind. Errors: FlowersecError, as those of a client's openStream. */
  openStream(kind: string, options?: { signal?: AbortSignal | undefined }): Promise<YamuxStream>;
  /** Calls to the contact, who serves them if its application does. Errors as openStream. */
  rpc(): Promise<RpcClient>;
  /** Ends the channel, also for messages, which get themselves another one. */
  close(): void;
}

export type IncomingFrame = ServerFrame & { readonly type: "incoming" };

/** What a contact needs of its client. */
export interface PeerHost {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly calls: ReconnectSettings;
  readonly channelIdleMs: number;
  /** For channels that a registry's tickets lead to. */
  channelOptions(registry: number): ChannelOptions;
  /** Whoever may talk with us: a contact, or, where there is none, the guest. */
  contactOf(key: PublicKey, guest?: Contact): Contact | undefined;
  /** Runs one handshake. Throws RendezvousError channel_failed when there are too many. */
  attach(work: () => Promise<Channel>): Promise<Channel>;
  /** To one registry; a request id for a call. */
  say(registry: number, frame: ClientFrame): void;
  nextRid(registry: number, peer: HostedPeer, link: LinkId): number;
  /** What the first call of an invitation carries. */
  invitationFor(peer: PublicKey): { readonly secret: Uint8Array; readonly note: string } | undefined;
  /** Whether the application has it now. */
  onMessage(from: Contact, content: unknown, sentAtMs: number | undefined): boolean;
  onState(peer: HostedPeer, state: PeerState, error: RendezvousError | undefined): void;
  /** The handshake is through; the guest becomes a contact. Throws when it may not. */
  onJoined(peer: HostedPeer, note: string | undefined, isCaller: boolean, guest: Contact | undefined): void;
  onJoinFailed(peer: HostedPeer, note: string | undefined, isCaller: boolean, error: unknown): void;
  /** A registry did not connect us; `note` is what the call had. */
  onRefused(peer: HostedPeer, note: string | undefined, code: RendezvousErrorCode): void;
  takeStream(from: Contact, kind: string, stream: YamuxStream): void;
  routerFor(from: Contact): RpcRouter | undefined;
}

/** An offer, with what it takes to answer it. */
export interface IncomingOffer extends Offer {
  readonly frame: IncomingFrame;
  /** The secret of the invitation that it came with. */
  readonly invitation: Uint8Array | undefined;
  /** Who came with it, when it is no contact. */
  readonly guest: Contact | undefined;
}

/** What a call, an answer or a channel has, that a machine must not hold. */
export interface Link {
  readonly abort: AbortController;
  ephemeral?: EphemeralKey;
  /** Of the registry's grant, when we called. */
  granted?: { readonly registry: number; readonly eph: PublicKey; readonly ticket: ChannelTicket };
  channel?: Channel;
  stream?: FrameStream;
  /** Of the invitation that the call has. */
  note?: string | undefined;
  rids: Map<number, number>;
}

/** What is shown of a channel. */
export function sessionOf(publicKey: PublicKey, channel: Channel, close: () => void): PeerSession {
  const { isCaller, ended } = channel;
  return { publicKey, isCaller, ended, openStream: (kind, options) => channel.openStream(kind, options), rpc: () => channel.rpc(), close };
}

/** A promise that a signal rejects with `aborted`, after `giveUp`. A signal that has fired already does so at once. */
export function abortable<T>(signal: AbortSignal | undefined, giveUp: () => void): Deferred<T> {
  const waiting = deferred<T>();
  const abort = () => {
    giveUp();
    waiting.reject(new RendezvousError("aborted", undefined, { cause: signal?.reason }));
  };
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort, { once: true });
  const stop = () => signal?.removeEventListener("abort", abort);
  waiting.promise.then(stop, stop);
  return waiting;
}
