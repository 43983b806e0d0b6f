// Which of several tunnels a channel meets at: every issuer comes to the same answer without asking another.
// Layer controlplane. Source: CONTROLPLANE, "Choosing a tunnel".

import { readU64, utf8 } from "../base/index.js";
import { syncCrypto } from "../crypto/sync.js";

/** The first 8 bytes of SHA-256(channelId || "|" || url), big-endian. Texts count as they are spelled. */
export function tunnelScore(channelId: string, url: string): bigint {
  return readU64(syncCrypto.sha256(utf8(`${channelId}|${url}`)), 0);
}

/** The URL of the highest score, of equal ones the first; empty when there is none to choose from. */
export function chooseTunnel(channelId: string, urls: readonly string[]): string {
  let [best, score] = ["", -1n];
  for (const url of urls) {
    const its = tunnelScore(channelId, url);
    if (its > score) [best, score] = [url, its];
  }
  return best;
}
