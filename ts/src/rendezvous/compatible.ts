// What clients of the original say, and a registry to them: texts, names of errors.
// Layer rendezvous. For the compatible mode only. Source: REGISTRY, "Compatible mode".

import { decodeBase64url } from "../base/index.js";
import { PublicKey } from "../identity/index.js";
import { legacyNonceBytes } from "../identity/legacy.js";
import type { RendezvousErrorCode } from "./error.js";
import { objectIn } from "./frames.js";
import { maxRegistryFrameBytes } from "./limits.js";

export const compatiblePath = "/legacy";

/** One JSON object of text members, as far as they are any. */
export type Envelope = Readonly<Record<string, unknown>>;

/** undefined for what is no JSON object of at most 16 384 bytes. */
export function envelopeIn(text: string): Envelope | undefined {
  return objectIn(text, maxRegistryFrameBytes);
}

/** Empty when it is absent or no text. */
export function textOf(envelope: Envelope, name: string): string {
  const value = Object.hasOwn(envelope, name) ? envelope[name] : undefined;
  return typeof value === "string" ? value : "";
}

export function keyIn(envelope: Envelope, name: string): PublicKey | undefined {
  return keyOfText(textOf(envelope, name));
}

export function nonceIn(envelope: Envelope): Uint8Array | undefined {
  return decodeBase64url(textOf(envelope, "nonce"), legacyNonceBytes);
}

export function keyOfText(text: string): PublicKey | undefined {
  try {
    return PublicKey.parse(text);
  } catch {
    return undefined;
  }
}

const codes: Readonly<Record<string, RendezvousErrorCode>> = {
  SOCKET_ALREADY_REGISTERED: "already_registered",
  SOCKET_NOT_REGISTERED: "not_registered",
  MISMATCHED_SOCKET_PUBLIC_KEY: "key_mismatch",
  MISSING_CONTENT_FIELD: "invalid_frame",
  MISSING_TYPE_MESSAGE: "invalid_frame",
  RECIPIENT_NOT_AVAILABLE: "recipient_unavailable",
};

/** The code of an error's original name; `otherwise` for any other text. */
export function codeNamed(name: string, otherwise: RendezvousErrorCode): RendezvousErrorCode {
  return (Object.hasOwn(codes, name) ? codes[name] : undefined) ?? otherwise;
}
