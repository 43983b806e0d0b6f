// Which of several tunnels a channel belongs to: every issuer that knows the same list gives the same answer, and a tunnel
// that is added or removed moves only the channels that are its own (rendezvous hashing).
//
//   node examples/node/tunnel-sharding.mjs <channel_id> <tunnel url>...
import { chooseTunnel } from "flowersec/controlplane";

const [channelId, ...urls] = process.argv.slice(2);
if (channelId === undefined) {
  console.error("usage: node examples/node/tunnel-sharding.mjs <channel_id> <tunnel url>...");
  process.exit(2);
}
console.log(chooseTunnel(channelId, urls));
