// Which of several tunnels a channel belongs to: every issuer that knows the same list gives the same answer, and a tunnel
// that is added or removed moves only the channels that are its own (rendezvous hashing).
//
//   node examples/node/tunnel-sharding.mjs <channel_id> <tunnel url>...
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";

// [pick]
/** The URL with the highest score for the channel; the empty text when there is none. */
export function pickTunnel(channelId, urls) {
  const score = (url) => createHash("sha256").update(`${channelId}|${url}`).digest().readBigUInt64BE();
  let best = "";
  let highest = -1n;
  for (const url of urls) {
    const its = score(url);
    if (its > highest) [best, highest] = [url, its];
  }
  return best;
}
// [pick]

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [channelId, ...urls] = process.argv.slice(2);
  if (channelId === undefined) {
    console.error("usage: node examples/node/tunnel-sharding.mjs <channel_id> <tunnel url>...");
    process.exit(2);
  }
  console.log(pickTunnel(channelId, urls));
}
