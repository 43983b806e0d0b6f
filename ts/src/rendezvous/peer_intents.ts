// What the machine of a contact wants, and what it is told of.
// Layer rendezvous. Types only.

import type { RendezvousErrorCode } from "./error.js";

/** A call, an answer, or a channel of one contact. Never used twice by a machine. */
export type LinkId = number;

/** What is asked of one registry. */
export interface Offer {
  readonly registry: number;
  readonly callId: string;
}

/** What the machine wants, in this order. */
export type PeerIntent =
  /** Make an ephemeral key for this call, then prepared(). */
  | { readonly want: "prepare"; readonly link: LinkId }
  | { readonly want: "call"; readonly link: LinkId; readonly registry: number }
  | { readonly want: "cancel"; readonly link: LinkId; readonly registry: number }
  /** Derive, accept the offer, attach as callee; then joined() or joinFailed(). */
  | { readonly want: "answer"; readonly link: LinkId; readonly offer: Offer }
  /** Derive and attach as caller; then joined() or joinFailed(). */
  | { readonly want: "join"; readonly link: LinkId }
  /** Close whatever there is of it. What it still says changes nothing. */
  | { readonly want: "drop"; readonly link: LinkId }
  | { readonly want: "up"; readonly link: LinkId }
  | { readonly want: "down" }
  /** Whoever waits, waits in vain. Where nothing more is tried, the state follows. */
  | { readonly want: "failed"; readonly code: RendezvousErrorCode }
  | { readonly want: "state"; readonly state: PeerState };

/** `calling`: there is no channel, and it is being got; `waiting`: between two attempts, or for the contact to call. */
export type PeerState = "closed" | "calling" | "open" | "waiting";

/** How a channel ended. `silent`: what we waited for did not come, for longer than a good channel has to last; `left`: one side had no more use for it. */
export type Loss = "lost" | "silent" | "left";
