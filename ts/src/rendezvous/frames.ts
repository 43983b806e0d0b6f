// The frames between a client and its registry: JSON texts in both directions.
// Layer rendezvous. No I/O and no state; unknown types and keys are ignored, keys of peers are refused unless they are canonical. Source:
// RENDEZVOUS, "Frames". testdata/rendezvous/frames.json is its table of cases, which C++ shares.

import { decodeBase64url, encodeBase64url, utf8 } from "../base/index.js";
import { challengeBytes, PublicKey, workNonceBytes } from "../identity/index.js";
import { registryCodes, type RegistryErrorCode } from "./error.js";
import { instanceBytes, maxIdBytes, maxNoteBytes, maxRegistryFrameBytes, maxRegistryKeys, maxWatchedKeys, rendezvousVersion } from "./limits.js";
import { ticketOf, wireGrantOf, type ChannelTicket } from "./ticket.js";

const proofBytes = 32;

/** `t` is the asker's own, and comes back. */
export type PingFrame = { readonly type: "ping"; readonly t: number } | { readonly type: "pong"; readonly t: number };

/** From the registry. */
export type ServerFrame =
  | { readonly type: "challenge"; readonly registryKeys: readonly PublicKey[]; readonly challenge: Uint8Array; readonly expiresInS: number; readonly workBits?: number | undefined }
  | { readonly type: "registered"; readonly publicKey: PublicKey; readonly session: string; readonly keepAliveS: number }
  | { readonly type: "incoming"; readonly callId: string; readonly from: PublicKey; readonly eph: PublicKey; readonly note?: string | undefined; readonly ticket: ChannelTicket }
  | { readonly type: "grant"; readonly rid: number; readonly callId: string; readonly eph: PublicKey; readonly ticket: ChannelTicket }
  | { readonly type: "cancelled"; readonly callId: string }
  | { readonly type: "presence"; readonly key: PublicKey; readonly online: boolean }
  | PingFrame
  | { readonly type: "error"; readonly code: RegistryErrorCode; readonly rid?: number | undefined; readonly fatal: boolean };

/** From a client. */
export type ClientFrame =
  | {
      readonly type: "register";
      readonly publicKey: PublicKey;
      /** The one that the client has pinned. */
      readonly registryKey: PublicKey;
      readonly proof: Uint8Array;
      /** 16 bytes: one process. */
      readonly instance: Uint8Array;
      readonly workNonce?: Uint8Array | undefined;
      readonly replace: boolean;
    }
  | { readonly type: "call"; readonly rid: number; readonly to: PublicKey; readonly eph: PublicKey; readonly note?: string | undefined }
  | { readonly type: "accept"; readonly callId: string; readonly eph: PublicKey }
  | { readonly type: "decline"; readonly callId: string }
  | { readonly type: "cancel"; readonly rid: number }
  | { readonly type: "watch"; readonly keys: readonly PublicKey[] }
  | { readonly type: "unwatch"; readonly keys: readonly PublicKey[] }
  | PingFrame;

type Members = Record<string, unknown>;

/** The object of a text; undefined for what is none, or too long. */
export function objectIn(text: string, maxBytes: number): Members | undefined {
  if (text.length > maxBytes || utf8(text).length > maxBytes) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
  } catch {
    return undefined;
  }
}

class Unfit extends Error {}

function unfit(): never {
  throw new Unfit();
}

function keyIn(value: unknown): PublicKey {
  return typeof value === "string" ? PublicKey.parse(value) : unfit();
}

function keysIn(value: unknown, most: number): PublicKey[] {
  return Array.isArray(value) && value.length > 0 && value.length <= most ? Array.from(value as unknown[], keyIn) : unfit();
}

function bytesIn(value: unknown, bytes: number): Uint8Array {
  return (typeof value === "string" ? decodeBase64url(value, bytes) : undefined) ?? unfit();
}

function textIn(value: unknown, most: number, least = 1): string {
  if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) unfit();
  const { length } = utf8(value);
  return length >= least && length <= most ? value : unfit();
}

function countIn(value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most ? (value as number) : unfit();
}

function flagIn(value: unknown): boolean {
  return typeof value === "boolean" ? value : unfit();
}

/** What `read` makes of a member that may be left out, or null. */
function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

const nameIn = (value: unknown) => textIn(value, maxIdBytes);
const noteIn = (value: unknown) => textIn(value, maxNoteBytes, 0);
const u32 = 2 ** 32 - 1;
const ticketIn = (grant: unknown, role: number) => {
  const ticket = ticketOf(grant);
  return ticket?.role === role ? ticket : unfit();
};
const versionIn = (value: unknown) => (value === rendezvousVersion ? undefined : unfit());
const pingOf = (type: "ping" | "pong", t: unknown): PingFrame => ({ type, t: countIn(t, 0) });

function decoded<Frame>(text: string, read: (type: string, members: Members) => Frame): Frame | undefined {
  const members = objectIn(text, maxRegistryFrameBytes);
  const type = members?.["type"];
  if (members === undefined || typeof type !== "string") return undefined;
  try {
    return read(type, members);
  } catch {
    return undefined;
  }
}

/** undefined when the registry does not keep to the format; `unknown` is to be ignored. */
export function decodeServerFrame(text: string): ServerFrame | { readonly type: "unknown" } | undefined {
  return decoded(text, (type, { v, registry_keys, challenge, expires_in_s, pow, public_key, session, keepalive_s, call_id, from, eph, note, grant, rid, key, online, t, code, fatal }) => {
    switch (type) {
      case "challenge": {
        versionIn(v);
        const workBits = optional(pow, (value) => (typeof value === "object" && value !== null ? countIn((value as Members)["bits"], 0, u32) : unfit()));
        const registryKeys = keysIn(registry_keys, maxRegistryKeys);
        return { type, registryKeys, challenge: bytesIn(challenge, challengeBytes), expiresInS: countIn(expires_in_s, 1, u32), workBits };
      }
      case "registered":
        return { type, publicKey: keyIn(public_key), session: nameIn(session), keepAliveS: countIn(keepalive_s, 1, u32) };
      case "incoming":
        return { type, callId: nameIn(call_id), from: keyIn(from), eph: keyIn(eph), note: optional(note, noteIn), ticket: ticketIn(grant, 2) };
      case "grant":
        return { type, rid: countIn(rid, 1), callId: nameIn(call_id), eph: keyIn(eph), ticket: ticketIn(grant, 1) };
      case "cancelled":
        return { type, callId: nameIn(call_id) };
      case "presence":
        return { type, key: keyIn(key), online: flagIn(online) };
      case "ping":
      case "pong":
        return pingOf(type, t);
      case "error": {
        const said = textIn(code, maxRegistryFrameBytes, 0);
        return { type, code: registryCodes.find((each) => each === said) ?? "refused", rid: optional(rid, (value) => countIn(value, 1)), fatal: flagIn(fatal) };
      }
      default:
        return { type: "unknown" };
    }
  });
}

/** What a text is refused with: a call that is wrong ends nothing but itself, once its rid is known. */
export interface FrameRefusal {
  readonly type: "refused";
  readonly rid?: number | undefined;
}

/** `unknown` is to be ignored. */
export function decodeClientFrame(text: string): ClientFrame | { readonly type: "unknown" } | FrameRefusal {
  let knownRid: number | undefined;
  const frame = decoded(text, (type, { v, public_key, registry_key, proof, instance, pow_nonce, replace, rid, to, eph, note, call_id, keys, t }): ClientFrame | { readonly type: "unknown" } => {
    switch (type) {
      case "register":
        versionIn(v);
        return {
          type, publicKey: keyIn(public_key), registryKey: keyIn(registry_key), proof: bytesIn(proof, proofBytes), instance: bytesIn(instance, instanceBytes),
          workNonce: optional(pow_nonce, (value) => bytesIn(value, workNonceBytes)), replace: optional(replace, flagIn) ?? false,
        };
      case "call":
        knownRid = countIn(rid, 1);
        return { type, rid: knownRid, to: keyIn(to), eph: keyIn(eph), note: optional(note, noteIn) };
      case "accept":
        return { type, callId: nameIn(call_id), eph: keyIn(eph) };
      case "decline":
        return { type, callId: nameIn(call_id) };
      case "cancel":
        return { type, rid: countIn(rid, 1) };
      case "watch":
      case "unwatch":
        return { type, keys: keysIn(keys, maxWatchedKeys) };
      case "ping":
      case "pong":
        return pingOf(type, t);
      default:
        return { type: "unknown" };
    }
  });
  return frame ?? { type: "refused", rid: knownRid };
}

/** Its JSON text. */
export function encodeServerFrame(frame: ServerFrame): string {
  const { type } = frame;
  switch (type) {
    case "challenge": {
      const { registryKeys, challenge, expiresInS, workBits } = frame;
      const pow = workBits === undefined ? undefined : { bits: workBits };
      return JSON.stringify({ type, v: rendezvousVersion, registry_keys: registryKeys.map(({ text }) => text), challenge: encodeBase64url(challenge), expires_in_s: expiresInS, pow });
    }
    case "registered":
      return JSON.stringify({ type, public_key: frame.publicKey.text, session: frame.session, keepalive_s: frame.keepAliveS });
    case "incoming":
      return JSON.stringify({ type, call_id: frame.callId, from: frame.from.text, eph: frame.eph.text, note: frame.note, grant: wireGrantOf(frame.ticket) });
    case "grant":
      return JSON.stringify({ type, rid: frame.rid, call_id: frame.callId, eph: frame.eph.text, grant: wireGrantOf(frame.ticket) });
    case "cancelled":
      return JSON.stringify({ type, call_id: frame.callId });
    case "presence":
      return JSON.stringify({ type, key: frame.key.text, online: frame.online });
    case "ping":
    case "pong":
      return JSON.stringify({ type, t: frame.t });
    case "error":
      return JSON.stringify({ type, rid: frame.rid, code: frame.code, fatal: frame.fatal });
  }
}

/** Its JSON text. */
export function encodeClientFrame(frame: ClientFrame): string {
  const { type } = frame;
  switch (type) {
    case "register": {
      const { publicKey, registryKey, proof, instance, workNonce, replace } = frame;
      return JSON.stringify({
        type, v: rendezvousVersion, public_key: publicKey.text, registry_key: registryKey.text, proof: encodeBase64url(proof),
        instance: encodeBase64url(instance), replace: replace || undefined, pow_nonce: workNonce && encodeBase64url(workNonce),
      });
    }
    case "call":
      return JSON.stringify({ type, rid: frame.rid, to: frame.to.text, eph: frame.eph.text, note: frame.note });
    case "accept":
      return JSON.stringify({ type, call_id: frame.callId, eph: frame.eph.text });
    case "decline":
      return JSON.stringify({ type, call_id: frame.callId });
    case "cancel":
      return JSON.stringify({ type, rid: frame.rid });
    case "watch":
    case "unwatch":
      return JSON.stringify({ type, keys: frame.keys.map(({ text }) => text) });
    case "ping":
    case "pong":
      return JSON.stringify({ type, t: frame.t });
  }
}
