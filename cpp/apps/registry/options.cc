#include "registry/options.h"

#include <algorithm>

#include "cli/values.h"
#include "flowersec/base/text.h"
#include "flowersec/base/web_url.h"
#include "serving/flag_values.h"

namespace flowersec::apps {
namespace {

constexpr std::int64_t most_keys = 10'000'000;
constexpr std::int64_t most_registrations = 1'000'000;

std::vector<help_block> blocks() {
  return {
      {"Usage",
       {"flowersec-registry --issuer-keys FILE --tunnel-url URL --aud AUDIENCE --iss ISSUER [flags]",
        "flowersec-registry --new-key [--key-file FILE]", "flowersec-registry --print-key [--key-file FILE]",
        "flowersec-registry --check-config [flags]"}},
      {"Examples",
       {"flowersec-issuer-keygen --out-dir keys    # issuer_key.json for this program, issuer_keys.json for the tunnel",
        "flowersec-registry --issuer-keys keys/issuer_key.json --tunnel-url wss://tunnel.example/ws \\",
        "  --aud my-tunnel --iss my-registry --allow-origin https://chat.example",
        "flowersec-registry --new-key              # a new current key; the old ones stay good"}},
      {"Output",
       {"stdout: one JSON line once it listens: version, commit, date, listen, http_url, ws_url, sealed_url, key_file,",
        "        registry_key, kid, and metrics_url when there is such a listener. With --print-key and --new-key a",
        "        line per key: key and key id, the current key first.",
        "stderr: log lines. They have the first 8 characters of keys, and never who calls whom."}},
      {"Exit codes",
       {"0  stopped by a signal; --help, --version, --print-key, --new-key; --check-config found nothing wrong",
        "1  a file or a listener failed", "2  usage error; --check-config found something"}},
      {"Signals",
       {"SIGHUP           read key file, issuer keys and certificate again; bad files change nothing",
        "SIGINT, SIGTERM  tell clients, close and stop, within 10 s; at once at the second"}},
  };
}

std::optional<std::string> minting_problem(const registry_command& c) {
  if (c.issuer_keys.empty()) return "missing --issuer-keys: the private key file that flowersec-issuer-keygen writes";
  if (c.tunnel_url.empty()) return "missing --tunnel-url: the WebSocket URL of the tunnel that calls go through";
  if (c.audience.empty()) return "missing --aud: the audience of the tunnel, as its --aud";
  if (c.issuer.empty()) return "missing --iss: the issuer that the tunnel knows, as its --iss";
  if (!parse_web_url(c.tunnel_url, websocket_schemes)) {
    return "invalid --tunnel-url: " + c.tunnel_url + " is not a URL such as wss://tunnel.example/ws";
  }
  if (!parse_suites(c.suites)) return "--suites must be 1, 2, \"1,2\" or \"2,1\"";
  return std::nullopt;
}

}  // namespace

void registry_command::fill_blanks() {
  const registry_command standard;
  if (listen.empty()) listen = standard.listen;
  if (key_file.empty()) key_file = standard.key_file;
  if (suites.empty()) suites = standard.suites;
  if (log_level.empty()) log_level = standard.log_level;
  if (log_format.empty()) log_format = standard.log_format;
}

program describe_registry(registry_command& c) {
  return {
      .name = "flowersec-registry",
      .summary =
          "Where peers that know each other's public key meet: checks that each holds its key, and hands both "
          "ends of a call the grants for a tunnel, which neither it nor the tunnel can read.",
      .blocks = blocks(),
      .options =
          {
              {"listen", &c.listen, "host:port of the listener; port 0 lets the system choose"},
              {"key-file", &c.key_file, "file with the registry's own keys; made at the first start"},
              command_line_only({"new-key", &c.new_key,
                                 "put a new key in front of those in the key file, or make the file; print all, and "
                                 "end. A running registry takes them over by itself"}),
              command_line_only({"print-key", &c.print_key, "print public keys and key ids, and end"}),
              {"issuer-keys", &c.issuer_keys, "private key file of the issuer (required)"},
              {"tunnel-url", &c.tunnel_url, "WebSocket URL of the tunnel, as clients reach it (required)"},
              {"aud", &c.audience, "audience of the tunnel's tokens (required)"},
              {"iss", &c.issuer, "issuer of the tunnel's tokens (required)"},
              {"suites", &c.suites, "cipher suites of calls, the default first: 1 (X25519), 2 (P-256)"},
              {"tls-cert", &c.tls_cert, "PEM certificate chain; turns TLS on"},
              {"tls-key", &c.tls_key, "PEM private key of the certificate"},
              {"allow-origin", &c.allowed_origins,
               "origin of a page that may connect, beside pages of this host (repeatable): full origin, *.domain, "
               "host:port or host"},
              {"allow-no-origin", &c.allow_no_origin, "accept programs that send no Origin"},
              {"trusted-proxy", &c.trusted_proxies,
               "address or network of a proxy whose X-Forwarded-For is believed (repeatable)"},
              {"legacy", &c.legacy,
               "serve the original's clients at /legacy and /<public key>; their messages have neither forward secrecy "
               "nor protection against repetition"},
              {"pow", &c.work, "ask an address that registers too often for a proof of work instead of refusing it"},
              {"max-keys", &c.max_keys, "most registered keys"},
              {"registrations-per-second", &c.registrations_per_second,
               "registrations of one address, and as many at once"},
              {"metrics-listen", &c.metrics_listen, "host:port of a listener for /metrics; blank means none"},
              {"log-level", &c.log_level, "least level of the log: debug, info, warn or error"},
              {"log-format", &c.log_format, "text or json"},
              command_line_only({"check-config", &c.check_config, "check flags and files, say what is wrong, and end"}),
          },
      .refuses_words = true,
      .common_help = true};
}

std::optional<std::string> usage_problem(const registry_command& c) {
  if (!parse_level_word(c.log_level)) return "--log-level must be debug, info, warn or error";
  if (!parse_log_format(c.log_format)) return "--log-format must be text or json";
  if (c.new_key || c.print_key) return std::nullopt;
  if (auto complaint = address_problem("--listen", c.listen)) return complaint;
  if (auto complaint = minting_problem(c)) return complaint;
  if (c.tls_cert.empty() != c.tls_key.empty()) return "TLS needs both --tls-cert and --tls-key";
  if (auto complaint = origins_problem(c.allowed_origins)) return complaint;
  if (auto complaint = proxies_problem(c.trusted_proxies)) return complaint;
  if (c.max_keys < 1 || c.max_keys > most_keys) return "--max-keys must be between 1 and 10000000";
  if (c.registrations_per_second < 1 || c.registrations_per_second > most_registrations) {
    return "--registrations-per-second must be between 1 and 1000000";
  }
  if (c.metrics_listen.empty()) return std::nullopt;
  return address_problem("--metrics-listen", c.metrics_listen);
}

std::optional<std::vector<crypto::suite>> parse_suites(std::string_view text) {
  std::vector<crypto::suite> suites;
  for (const auto& word : split_comma_list(text)) {
    const auto trimmed = trim(word);
    if (trimmed != "1" && trimmed != "2") return std::nullopt;
    const auto suite = trimmed == "1" ? crypto::suite::x25519 : crypto::suite::p256;
    if (std::ranges::find(suites, suite) != suites.end()) return std::nullopt;
    suites.push_back(suite);
  }
  if (suites.empty()) return std::nullopt;
  return suites;
}

}  // namespace flowersec::apps
