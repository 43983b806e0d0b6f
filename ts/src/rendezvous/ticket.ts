// A grant of a registry without its key, and the only way from there to a connection.
// Layer rendezvous. What the registry put in the place of the key is dropped when a grant is decoded, whatever it is.
// Source: RENDEZVOUS, "Tickets".

import type { TunnelConnectArtifact } from "../endpoint/index.js";
import { encodeBase64url, maxChannelIdBytes, utf8 } from "../base/index.js";
import { isRole, isSuite, type ChannelInitGrant, type Role, type Suite } from "../gen/flowersec/controlplane/v1.gen.js";
import { CallPsk } from "../identity/index.js";

/** A way through a tunnel to the other end of a call. It has no key, and nothing connects without one. */
export interface ChannelTicket {
  readonly channelId: string;
  /** 1: we called; 2: we were called. */
  readonly role: Role;
  readonly tunnelUrl: string;
  /** Works once. Not to be shown. */
  readonly token: string;
  /** End of the init window, Unix seconds. */
  readonly initExpireAtUnixS: number;
  readonly idleTimeoutSeconds: number;
  readonly allowedSuites: readonly Suite[];
  readonly defaultSuite: Suite;
}

const mostI32 = 2 ** 31 - 1;
const isText = (value: unknown): value is string => typeof value === "string" && value !== "" && !/\p{Surrogate}/u.test(value);
const isCount = (value: unknown, most: number): value is number => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most;

/**
 * What a grant says besides its key, which is not looked at, whatever is in its place. Undefined for what is no grant: types, empty texts, ids too long,
 * suites that are unknown or without the default.
 */
export function ticketOf(grant: unknown): ChannelTicket | undefined {
  const { channel_id, role, tunnel_url, token, channel_init_expire_at_unix_s, idle_timeout_seconds, allowed_suites, default_suite } = Object(grant) as Record<string, unknown>;
  if (!isText(channel_id) || utf8(channel_id).length > maxChannelIdBytes || !isText(tunnel_url) || !isText(token)) return undefined;
  if (!isCount(channel_init_expire_at_unix_s, Number.MAX_SAFE_INTEGER) || !isCount(idle_timeout_seconds, mostI32) || !isRole(role)) return undefined;
  if (!Array.isArray(allowed_suites) || !isSuite(default_suite)) return undefined;
  const allowedSuites = Array.from(allowed_suites as unknown[]);
  if (!allowedSuites.every(isSuite) || !allowedSuites.includes(default_suite)) return undefined;
  return {
    channelId: channel_id, role, tunnelUrl: tunnel_url, token, initExpireAtUnixS: channel_init_expire_at_unix_s,
    idleTimeoutSeconds: idle_timeout_seconds, allowedSuites, defaultSuite: default_suite,
  };
}

/** What a registry writes in the place of the key: 32 zero bytes. */
export const noPsk = "A".repeat(43);

function grantWith(ticket: ChannelTicket, e2ee_psk_b64u: string): ChannelInitGrant {
  return {
    tunnel_url: ticket.tunnelUrl, channel_id: ticket.channelId, channel_init_expire_at_unix_s: ticket.initExpireAtUnixS,
    idle_timeout_seconds: ticket.idleTimeoutSeconds, role: ticket.role, token: ticket.token, e2ee_psk_b64u,
    allowed_suites: [...ticket.allowedSuites], default_suite: ticket.defaultSuite,
  };
}

/** A grant as it is on the wire. The registry's side. */
export function wireGrantOf(ticket: ChannelTicket): ChannelInitGrant {
  return grantWith(ticket, noPsk);
}

/**
 * The artifact to connect with. A CallPsk is made by its derivation alone, so that neither a grant nor a key that came in a
 * message fits here. Throws TypeError for what was cast to one. The text of the artifact holds the key, which JavaScript cannot wipe.
 */
export function artifactOf(ticket: ChannelTicket, psk: CallPsk): TunnelConnectArtifact {
  if (!(psk instanceof CallPsk)) throw new TypeError("a CallPsk is needed");
  return { v: 1, transport: "tunnel", tunnel_grant: grantWith(ticket, encodeBase64url(psk.value)) };
}
