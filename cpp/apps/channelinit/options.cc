#include "channelinit/options.h"

namespace flowersec::apps {

program describe_channelinit(channelinit_options& o) {
  return {
      .name = "flowersec-channelinit",
      .summary = "Mints the two grants of one channel: one for the client, one for the server.",
      .blocks =
          {{"Usage",
            {"flowersec-channelinit --issuer-private-key-file FILE --tunnel-url URL --aud AUD --iss ISS [flags]"}},
           {"Examples",
            {"flowersec-channelinit --issuer-private-key-file keys/issuer_key.json \\",
             "  --tunnel-url ws://127.0.0.1:8080/ws --aud my-tunnel --iss my-issuer --out channel.json",
             "flowersec-channelinit ... --format artifact --out client.json --server-grant-out server.json"}},
           {"Output",
            {"legacy    one JSON object: version, commit, date, grant_client, grant_server",
             "artifact  a connect artifact with the client's grant; the server's goes to --server-grant-out",
             "Files get mode 0600: a grant is a secret. Without --out the result goes to stdout."}},
           {"Exit codes", {"0  success", "1  key file, channel id or output file unusable", "2  usage error"}}},
      .options = {
          {"issuer-private-key-file",
           &o.issuer_private_key_file,
           "private key file of the issuer (required)",
           {"FSEC_ISSUER_PRIVATE_KEY_FILE"}},
          {"tunnel-url", &o.tunnel_url, "WebSocket URL of the tunnel (required)", {"FSEC_TUNNEL_URL"}},
          {"aud", &o.audience, "audience the tunnel expects (required)", {"FSEC_TUNNEL_AUD"}},
          {"iss", &o.issuer, "issuer name written into the tokens (required)", {"FSEC_TUNNEL_ISS", "FSEC_ISSUER_ID"}},
          {"channel-id", &o.channel_id, "channel id, at most 256 bytes; blank means a random one", {"FSEC_CHANNEL_ID"}},
          {"token-exp-seconds",
           &o.token_exp_seconds,
           "how long the tokens may be shown; 0 means 60",
           {"FSEC_CHANNELINIT_TOKEN_EXP_SECONDS"}},
          {"idle-timeout-seconds",
           &o.idle_timeout_seconds,
           "silence after which the tunnel closes the channel; 0 means 60",
           {"FSEC_CHANNELINIT_IDLE_TIMEOUT_SECONDS"}},
          {"format", &o.format, "legacy or artifact", {"FSEC_CHANNELINIT_FORMAT"}},
          {"out", &o.out, "output file; blank means stdout", {"FSEC_CHANNELINIT_OUT"}},
          {"server-grant-out",
           &o.server_grant_out,
           "file for the server's grant, with --format artifact only",
           {"FSEC_CHANNELINIT_SERVER_GRANT_OUT"}},
          {"overwrite", &o.overwrite, "replace existing files"},
          {"pretty", &o.pretty, "indent the JSON"},
      }};
}

}  // namespace flowersec::apps
