#include "directinit/options.h"

namespace flowersec::apps {

program describe_directinit(directinit_options& o) {
  return {.name = "flowersec-directinit",
          .summary = "Mints the connect info of a direct endpoint: no tunnel, the same encryption.",
          .blocks = {{"Usage", {"flowersec-directinit --ws-url URL [flags]"}},
                     {"Examples",
                      {"flowersec-directinit --ws-url ws://127.0.0.1:9000/ --out info.json",
                       "flowersec-directinit --ws-url wss://box.example/ws --suite p256 --init-exp-seconds 3600"}},
                     {"Output",
                      {"legacy    one flat JSON object: version, commit, date and the connect info",
                       "artifact  a connect artifact with the connect info",
                       "Files get mode 0600: the info holds the pre-shared key. Without --out it goes to stdout."}},
                     {"Exit codes", {"0  success", "1  output file unusable", "2  usage error"}}},
          .options = {
              {"ws-url", &o.ws_url, "WebSocket URL of the endpoint (required)", {"FSEC_DIRECT_WS_URL"}},
              {"channel-id", &o.channel_id, "channel id; blank means a random one", {"FSEC_DIRECT_CHANNEL_ID"}},
              {"psk-b64u",
               &o.psk_b64u,
               "pre-shared key, 32 bytes in base64url; blank means a random one",
               {"FSEC_DIRECT_PSK_B64U"}},
              {"suite", &o.suite, "x25519 or p256", {"FSEC_DIRECT_SUITE"}},
              {"init-exp-seconds",
               &o.init_exp_seconds,
               "how long handshakes may begin with this info",
               {"FSEC_DIRECT_INIT_EXP_SECONDS"}},
              {"format", &o.format, "legacy or artifact", {"FSEC_DIRECT_FORMAT"}},
              {"out", &o.out, "output file; blank means stdout", {"FSEC_DIRECT_OUT"}},
              {"overwrite", &o.overwrite, "replace an existing file"},
              {"pretty", &o.pretty, "indent the JSON"},
          }};
}

}  // namespace flowersec::apps
