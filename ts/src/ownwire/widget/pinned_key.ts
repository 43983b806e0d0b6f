// The id of the pinned key, for the user to compare with what the operator publishes.
// Layer ownwire.

import { encodeBase64url } from "../../base/index.js";
import { keyIdBytes, parseServerKey } from "../../sealed/index.js";

/** Id of the key in use, the first one; empty without a usable key. */
export async function pinnedKeyId(keys: readonly string[] | undefined): Promise<string> {
  const key = parseServerKey(keys?.[0]);
  if (!key) return "";
  const digest = await globalThis.crypto.subtle.digest("SHA-256", key as Uint8Array<ArrayBuffer>);
  return encodeBase64url(new Uint8Array(digest).subarray(0, keyIdBytes));
}
