// Sends every text back to the session it came from. `node echo_bot.mjs --help`
import { readFlags } from "./flags.mjs";
import { log, readSecret, serve } from "./internal_ws.mjs";

const flags = readFlags(
  `Usage: node echo_bot.mjs [flags]
  --url URL                    internal WebSocket (ws://127.0.0.1:8081/ws)
  --internal-token-file FILE   the gateway's token, where it wants one`,
  { url: "ws://127.0.0.1:8081/ws", "internal-token-file": "" },
);

serve({
  url: flags.url,
  token: flags["internal-token-file"] && readSecret(flags["internal-token-file"]),
  answer: (message, reply) => {
    log(`session ${message.session_id}: ${message.content.length} characters`);
    reply(message.content);
  },
});
