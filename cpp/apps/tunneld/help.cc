#include "tunneld/options.h"

namespace flowersec::apps {
namespace {

std::vector<help_block> blocks() {
  return {
      {"Usage", {"flowersec-tunnel --issuer-keys-file FILE --aud AUDIENCE [flags]"}},
      {"Examples",
       {"flowersec-tunnel --listen 127.0.0.1:8080 --issuer-keys-file issuer_keys.json --aud my-tunnel",
        "flowersec-tunnel --listen 0.0.0.0:443 --tls-cert-file cert.pem --tls-key-file key.pem \\",
        "  --issuer-keys-file issuer_keys.json --aud my-tunnel --iss my-issuer --allow-origin https://app.example \\",
        "  --advertise-host tunnel.example:443 --metrics-listen 127.0.0.1:9090"}},
      {"Output",
       {"stdout: one JSON line once the listener is bound: version, commit, date, listen, ws_path, ws_url, http_url,",
        "        healthz_url, and advertise_host and metrics_url when set",
        "stderr: log lines; there is none per connection"}},
      {"Exit codes", {"0  stopped by a signal", "1  files, listeners or serving failed", "2  usage error"}},
      {"Signals",
       {"SIGHUP           read the keyset file again; a bad file changes nothing",
        "SIGUSR1          metrics on: /metrics answers (on the main listener without --metrics-listen)",
        "SIGUSR2          metrics off: /metrics answers 404", "SIGINT, SIGTERM  stop"}},
  };
}

std::vector<option> options(tunnel_command& c) {
  return {
      {"pretty", &c.pretty, "indent the JSON on stdout"},
      {"listen", &c.listen, "host:port to listen on; port 0 lets the system choose", {"FSEC_TUNNEL_LISTEN"}},
      {"advertise-host",
       &c.advertise_host,
       "host or host:port that the printed URLs name",
       {"FSEC_TUNNEL_ADVERTISE_HOST"}},
      {"ws-path", &c.ws_path, "path of the WebSocket", {"FSEC_TUNNEL_WS_PATH"}},
      {"issuer-keys-file",
       &c.issuer_keys_file,
       "issuer keyset file (kid->ed25519 pubkey) (required)",
       {"FSEC_TUNNEL_ISSUER_KEYS_FILE"}},
      {"aud", &c.audience, "expected token audience (required)", {"FSEC_TUNNEL_AUD"}},
      {"iss",
       &c.issuer,
       "expected token issuer; blank means any issuer signed by a key of the keyset",
       {"FSEC_TUNNEL_ISS"}},
      {"allow-origin",
       &c.allowed_origins,
       "accepted Origin (repeatable): full origin, *.domain, host:port, host or a literal; may be left out on a "
       "loopback --listen, which then accepts loopback origins and none",
       {"FSEC_TUNNEL_ALLOW_ORIGIN"}},
      {"allow-no-origin", &c.allow_no_origin, "accept requests without Origin", {"FSEC_TUNNEL_ALLOW_NO_ORIGIN"}},
      {"max-conns", &c.max_conns, "most connections; 0 means 12000", {"FSEC_TUNNEL_MAX_CONNS"}},
      {"max-channels", &c.max_channels, "most channels; 0 means 6000", {"FSEC_TUNNEL_MAX_CHANNELS"}},
      {"max-token-lifetime",
       &c.max_token_lifetime,
       "longest time between a token's iat and exp",
       {"FSEC_TUNNEL_MAX_TOKEN_LIFETIME"}},
      {"max-init-horizon",
       &c.max_init_horizon,
       "how far ahead a token's init_exp may lie",
       {"FSEC_TUNNEL_MAX_INIT_HORIZON"}},
      {"max-replay-entries",
       &c.max_replay_entries,
       "tokens remembered; not given means four times --max-conns",
       {"FSEC_TUNNEL_MAX_REPLAY_ENTRIES"}},
      {"tls-cert-file", &c.tls_cert_file, "PEM certificate chain; turns TLS on", {"FSEC_TUNNEL_TLS_CERT_FILE"}},
      {"tls-key-file", &c.tls_key_file, "PEM private key of the certificate", {"FSEC_TUNNEL_TLS_KEY_FILE"}},
      {"metrics-listen",
       &c.metrics_listen,
       "host:port of a listener for /metrics alone",
       {"FSEC_TUNNEL_METRICS_LISTEN"}},
      {"max-tenant-queued-bytes",
       &c.max_tenant_queued_bytes,
       "most bytes held for one audience and issuer; 0 means no bound",
       {"FSEC_TUNNEL_MAX_TENANT_QUEUED_BYTES"}},
      {"max-total-queued-bytes",
       &c.max_total_queued_bytes,
       "most bytes held by the process; 0 means no bound",
       {"FSEC_TUNNEL_MAX_TOTAL_QUEUED_BYTES"}},
      {"write-timeout",
       &c.write_timeout,
       "longest wait for an endpoint to take a frame; 0 means for ever",
       {"FSEC_TUNNEL_WRITE_TIMEOUT"}},
      {"max-write-queue-bytes",
       &c.max_write_queue_bytes,
       "bytes that may wait for one endpoint; 0 means 1048576",
       {"FSEC_TUNNEL_MAX_WRITE_QUEUE_BYTES"}},
      {"threads", &c.threads, "I/O threads; 0 means one per processor", {"FSEC_TUNNEL_THREADS"}},
  };
}

}  // namespace

program describe_tunnel(tunnel_command& command) {
  return {.name = "flowersec-tunnel",
          .summary =
              "Joins the two endpoints of a channel and copies what they send each other, without being able to "
              "read it.",
          .blocks = blocks(),
          .options = options(command)};
}

}  // namespace flowersec::apps
