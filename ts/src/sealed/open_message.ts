// The open message: the first message of a sealed connection, and its only one in text.
// Layer sealed. Source: PROTOCOL, "Sealed open: message". Unknown keys are ignored; of a key that comes twice the last one counts.

import { decodeBase64url, encodeBase64url, maxChannelIdBytes, trimmed, utf8 } from "../base/index.js";
import { suiteP256, suiteX25519, type SuiteId } from "../crypto/index.js";
import { boxBytes } from "./box.js";
import { SealedError } from "./error.js";
import { keyIdBytes } from "./key.js";

/** Most bytes of an open message: what a server holds for somebody it does not know. */
export const maxOpenBytes = 4096;

/** Which channel a client opens, and the key of it, sealed. */
export interface OpenMessage {
  /** 1 to 256 bytes of UTF-8, no white space around. */
  readonly channelId: string;
  /** Of the server key that the box is sealed to. */
  readonly kid: string;
  readonly suite: SuiteId;
  /** 80 bytes. */
  readonly sealed: Uint8Array;
}

/** Objects and lists within each other. Source: PROTOCOL, "JSON rules". */
const maxDepth = 32;
const [version, type] = [1, "ownwire_open"];
/** No surrogate stands alone: with the flag u only those are matched. */
const wholeText = /^\P{Surrogate}*$/u;

/** Its text. */
export function encodeOpen({ channelId, kid, suite, sealed }: OpenMessage): string {
  return JSON.stringify({ v: version, type, channel_id: channelId, kid, suite, sealed_psk_b64u: encodeBase64url(sealed) });
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[[\]{}]/g;

/** JSON text with one half in place of numbers not written in plain digits: 1.0 is no integer, and JSON.parse does not tell it from 1. Throws for deep nesting. */
function marked(text: string): string {
  let depth = 0;
  return text.replace(tokens, (token) => {
    if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
    else if (!token.startsWith('"') && /[.eE]/.test(token)) return "0.5";
    if (depth > maxDepth) throw new RangeError("nested too deep");
    return token;
  });
}

/** Throws SealedError invalid_open for anything that is none. */
export function decodeOpen(text: string): OpenMessage {
  const refuse = () => new SealedError("invalid_open");
  if (text.length > maxOpenBytes || utf8(text).length > maxOpenBytes) throw refuse();
  let value: unknown;
  try {
    JSON.parse(text);
    value = JSON.parse(marked(text));
  } catch {
    throw refuse(); // what JSON.parse says quotes the text
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse();
  const { v, type: kind, channel_id: channelId, kid, suite, sealed_psk_b64u: box } = value as Record<string, unknown>;
  if (v !== version || kind !== type || (suite !== suiteX25519 && suite !== suiteP256)) throw refuse();
  if (typeof channelId !== "string" || typeof kid !== "string" || typeof box !== "string") throw refuse();
  if (channelId === "" || trimmed(channelId) !== channelId || utf8(channelId).length > maxChannelIdBytes || !wholeText.test(channelId)) throw refuse();
  const sealed = decodeBase64url(box, boxBytes);
  if (sealed === undefined || decodeBase64url(kid, keyIdBytes) === undefined) throw refuse();
  return { channelId, kid, suite, sealed };
}
