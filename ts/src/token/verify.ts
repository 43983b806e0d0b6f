// Reading and verifying attach tokens.
// Layer token. Source: PROTOCOL, "Token verification". Nothing is serialised again: the signature covers the text received.

import { constantTimeEqual, decodeBase64url, fromUtf8, systemClock, trimmed, utf8 } from "../base/index.js";
import { ed25519Verify } from "../crypto/noble/ed25519.js";
import { decodeTokenPayload, type TokenPayload as WirePayload } from "../gen/flowersec/token/v1.gen.js";
import { TokenError } from "./error.js";
import { checkFields, checkOrder, keyBytes, TOKEN_PREFIX, trimmedPayload, type TokenPayload } from "./payload.js";

/** A token taken apart. Nothing of it is verified. */
export interface ParsedToken {
  /** Its texts trimmed. */
  payload: TokenPayload;
  /** The text before the last dot, which the signature covers. */
  signed: string;
  /** 64 bytes in a valid token. */
  signature: Uint8Array;
}

/** 32-byte Ed25519 public keys by key id. */
export type TokenKeyLookup = ReadonlyMap<string, Uint8Array> | Readonly<Record<string, Uint8Array>> | ((kid: string) => Uint8Array | undefined);

/** What a token is held against, texts without the white space around them on both sides. */
export interface TokenVerifyOptions {
  /** Default: now. */
  nowUnixS?: number;
  /** Not compared when absent. */
  audience?: string;
  /** Not compared when absent. */
  issuer?: string;
  /** Rounded up to whole seconds; default 0. */
  clockSkewMs?: number;
}

/**
 * Stands in for a key that is not there, so that an unknown key id costs what a wrong signature costs: RFC 8032, 7.1, test 1.
 * Anybody can sign with it, hence what it says counts for nothing.
 */
const standIn = decodeBase64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") as Uint8Array;

/**
 * Takes a token apart and checks the rules of its payload. Throws TokenError invalid_format, invalid_base64url,
 * invalid_json, invalid_idle_timeout, exp_after_init.
 */
export function parseToken(text: string): ParsedToken {
  const { payload, signed, signature } = takeApart(text);
  checkFields(payload);
  checkOrder(payload);
  return { payload: trimmedPayload(payload), signed, signature };
}

function takeApart(text: string): { payload: WirePayload; signed: string; signature: Uint8Array } {
  const [prefix, payloadText, signatureText, ...more] = text.split(".");
  if (prefix !== TOKEN_PREFIX || payloadText === undefined || signatureText === undefined || more.length > 0) throw new TokenError("invalid_format");
  const json = decodeBase64url(payloadText);
  const signature = decodeBase64url(signatureText);
  if (json === undefined || signature === undefined) throw new TokenError("invalid_base64url");
  let payload: WirePayload;
  try {
    fromUtf8(json);
    payload = decodeTokenPayload(json);
  } catch (cause) {
    throw new TokenError("invalid_json", { cause });
  }
  return { payload, signed: `${TOKEN_PREFIX}.${payloadText}`, signature };
}

/**
 * The payload of a token that verifies, its texts trimmed, with which audience and issuer are compared. Throws TokenError, in
 * this order: invalid_time and invalid_clock_skew for options that make no sense, what parseToken throws but for the order
 * of times, unknown_kid, invalid_signature, invalid_audience, invalid_issuer, exp_after_init, invalid_format, iat_in_future,
 * init_expired, expired.
 */
export function verifyToken(text: string, keys: TokenKeyLookup, options: TokenVerifyOptions = {}): TokenPayload {
  const { nowUnixS = systemClock.unixSeconds(), audience, issuer, clockSkewMs = 0 } = options;
  if (!Number.isSafeInteger(nowUnixS) || nowUnixS < 0) throw new TokenError("invalid_time");
  if (!Number.isFinite(clockSkewMs) || clockSkewMs < 0) throw new TokenError("invalid_clock_skew");
  const skew = Math.ceil(clockSkewMs / 1000);
  const { payload, signed, signature } = takeApart(text);
  checkFields(payload);
  const found = lookUp(keys, trimmed(payload.kid));
  const key = found?.length === keyBytes ? found : undefined;
  const verifies = ed25519Verify(key ?? standIn, utf8(signed), signature);
  if (key === undefined) throw new TokenError("unknown_kid");
  if (!verifies) throw new TokenError("invalid_signature");
  const read = trimmedPayload(payload);
  if (audience !== undefined && !equalTexts(read.aud, trimmed(audience))) throw new TokenError("invalid_audience");
  if (issuer !== undefined && !equalTexts(read.iss ?? "", trimmed(issuer))) throw new TokenError("invalid_issuer");
  checkOrder(payload);
  if (payload.iat > nowUnixS + skew) throw new TokenError("iat_in_future");
  if (payload.init_exp < nowUnixS - skew) throw new TokenError("init_expired");
  if (payload.exp < nowUnixS - skew) throw new TokenError("expired");
  return read;
}

/** Whether two tokens say the same, whoever signed them: the texts before the last dot, compared in constant time. */
export function equalSignedTokenPart(a: string, b: string): boolean {
  const signedOf = (token: string) => token.slice(0, Math.max(0, token.lastIndexOf(".")));
  return equalTexts(signedOf(a), signedOf(b));
}

function lookUp(keys: TokenKeyLookup, kid: string): Uint8Array | undefined {
  if (typeof keys === "function") return keys(kid);
  if (keys instanceof Map) return keys.get(kid) as Uint8Array | undefined;
  return Object.hasOwn(keys, kid) ? (keys as Readonly<Record<string, Uint8Array>>)[kid] : undefined;
}

function equalTexts(a: string, b: string): boolean {
  return constantTimeEqual(utf8(a), utf8(b));
}
