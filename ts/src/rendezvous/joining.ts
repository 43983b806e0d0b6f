// From a call that both sides agreed to, to a channel: derives its key and goes through the tunnel.
// Layer rendezvous. Says `accept` when it answers. Source: SECURE_WEBSOCKET, "Calls".

import { CallPsk, EphemeralKey, type Contact } from "../identity/index.js";
import { Channel, type StreamTaker } from "./channel.js";
import { RendezvousError } from "./error.js";
import { maxAttaching } from "./limits.js";
import type { IncomingOffer, Link, PeerHost } from "./peer_host.js";

/** So many handshakes at once. */
export class HandshakePlaces {
  #taken = 0;

  /** Throws RendezvousError channel_failed when all are taken. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= maxAttaching) throw new RendezvousError("channel_failed", "too many at once");
    this.#taken++;
    try {
      return await work();
    } finally {
      this.#taken--;
    }
  }
}

/** Accepts an offer and waits for the caller. Errors as Channel.answer(). */
export async function answerCall(host: PeerHost, link: Link, peer: Contact, { registry, callId, frame, invitation }: IncomingOffer, take: StreamTaker): Promise<Channel> {
  const { eph: peerEphemeral, ticket } = frame;
  link.ephemeral = await EphemeralKey.generate();
  const psk = await CallPsk.derive("callee", { own: host.identity, peer, ownEphemeral: link.ephemeral, peerEphemeral, channelId: ticket.channelId, invitation });
  host.say(registry, { type: "accept", callId, eph: link.ephemeral.publicKey });
  return Channel.answer(ticket, psk, { ...host.channelOptions(registry), signal: link.abort.signal }, take);
}

/** Uses what the registry granted. Errors as Channel.call(). */
export async function joinCall(host: PeerHost, link: Link, peer: Contact, take: StreamTaker): Promise<Channel> {
  const { registry, eph: peerEphemeral, ticket } = link.granted as NonNullable<Link["granted"]>;
  const given = link.note === undefined ? undefined : host.invitationFor(peer.publicKey);
  const invitation = given?.note === link.note ? given?.secret : undefined;
  const psk = await CallPsk.derive("caller", { own: host.identity, peer, ownEphemeral: link.ephemeral as EphemeralKey, peerEphemeral, channelId: ticket.channelId, invitation });
  return Channel.call(ticket, psk, { ...host.channelOptions(registry), signal: link.abort.signal }, take);
}
