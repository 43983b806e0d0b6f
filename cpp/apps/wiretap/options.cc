#include "wiretap/options.h"

namespace flowersec::apps {

program describe_wiretap(wiretap_command& c) {
  return {
      .name = "flowersec-wiretap",
      .summary = "Stands between an endpoint and a tunnel and writes down what passes: what the tunnel gets to see.",
      .blocks =
          {{"Usage", {"flowersec-wiretap --to HOST:PORT --out FILE [flags]"}},
           {"Examples",
            {"flowersec-wiretap --to 127.0.0.1:8080 --out seen.txt &",
             "flowersec-peer client --grant channel.json --url ws://127.0.0.1:PORT/ws ..."}},
           {"Output",
            {"stdout: one JSON line once it listens: listen",
             "FILE:   one line per WebSocket message: client or tunnel, kind, length, hex of the first 512 bytes"}},
           {"Exit codes", {"0  stopped by a signal", "1  listener or file failed", "2  usage error"}},
           {"Signals", {"SIGINT, SIGTERM  stop"}}},
      .options = {
          {"listen", &c.listen, "address:port to listen on"},
          {"to", &c.to, "host:port of the tunnel, without TLS (required)"},
          {"out", &c.out, "file to write to (required)"},
      }};
}

}  // namespace flowersec::apps
