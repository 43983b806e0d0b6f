#include "ownwire/options.h"

#include <algorithm>
#include <array>

#include "cli/values.h"
#include "flowersec/base/text.h"
#include "flowersec/base/web_url.h"

namespace flowersec::apps {
namespace {

constexpr std::int64_t most_sessions = 1'000'000;
/// Flags of what an edge does in place of this program.
constexpr std::array<std::string_view, 7> of_public_port{
    "port", "bind", "allow-origin", "allow-no-origin", "trusted-proxy", "custom-css", "assets-url"};

std::vector<help_block> blocks() {
  return {
      {"Usage",
       {"ownwire [flags]", "ownwire --print-key [--identity-key FILE]", "ownwire --extract-assets FOLDER [flags]",
        "ownwire --behind wss://EDGE/backend --behind-token-file FILE [flags]", "ownwire --check-config [flags]"}},
      {"Examples",
       {"ownwire --log-level=info", "OWNWIRE_PORT=8080 ownwire --log-level=warn",
        "ownwire --allow-origin https://shop.example --custom-css theme.css",
        "ownwire --extract-assets=./public && ownwire --assets-url=https://cdn.example/ownwire/"}},
      {"Output",
       {"stdout: one JSON line once everything listens: version, commit, date, listen, http_url, ws_url,",
        "        internal_listen, internal_ws_url, identity_key, server_key, kid, and behind, e2ee_url and",
        "        metrics_url when there is such a thing. With --print-key a line per key: key and key id, the current",
        "        key first. With --extract-assets a line per file, with its integrity value when it is a script, and",
        "        then key file and key id.",
        "stderr: log lines. They have sizes and session ids, never a text, metadata or a token."}},
      {"Exit codes",
       {"0  stopped by a signal; --help, --version, --print-key, --extract-assets; --check-config found nothing wrong",
        "1  a file or a listener failed", "2  usage error; --check-config found something"}},
      {"Signals",
       {"SIGHUP           read key file, tokens and certificate again; bad files change nothing",
        "SIGINT, SIGTERM  tell users, close and stop, within 10 s; at once at the second"}},
  };
}

std::optional<std::string> internal_problem(const ownwire_command& c) {
  if (auto complaint = address_problem("--internal-addr", c.internal_address)) return complaint;
  if (c.internal_tls_cert.empty() != c.internal_tls_key.empty()) {
    return "TLS on the internal port needs both --internal-tls-cert and --internal-tls-key";
  }
  if (is_loopback_address(c.internal_address)) return std::nullopt;
  const auto reach = "--internal-addr " + c.internal_address + " can be reached from other machines: ";
  if (c.internal_token_file.empty()) return reach + "give --internal-token-file, or an address of this machine";
  if (c.internal_tls_cert.empty() && !c.internal_plaintext_ok) {
    return reach + "give --internal-tls-cert and --internal-tls-key, or --internal-plaintext-ok if the network is safe";
  }
  return std::nullopt;
}

std::optional<std::string> behind_problem(const ownwire_command& c) {
  if (c.behind.empty()) {
    if (c.behind_token_file.empty()) return std::nullopt;
    return "--behind-token-file is for --behind, which is missing";
  }
  const auto url = parse_web_url(c.behind, websocket_schemes);
  if (!url) return "invalid --behind: " + c.behind + " is not a URL such as wss://edge.example/backend";
  if (!url->secure && !is_loopback_host(url->host)) {
    return "invalid --behind: " + c.behind + " would show the token on its way; use wss://";
  }
  if (c.behind_token_file.empty()) return "--behind needs --behind-token-file, the token that the edge has as well";
  if (c.front.extract_to.empty()) {
    for (const auto& flag : c.flags_given) {
      if (std::ranges::find(of_public_port, flag) == of_public_port.end()) continue;
      return "--" + flag + " has no effect with --behind: the public port is the edge's, and so is the flag";
    }
  }
  return std::nullopt;
}

std::optional<std::string> sessions_problem(const ownwire_command& c) {
  const auto bounded = [](std::int64_t value) { return value >= 1 && value <= most_sessions; };
  if (!bounded(c.max_sessions)) return "--max-sessions must be between 1 and 1000000";
  if (!bounded(c.max_sessions_per_address)) return "--max-sessions-per-address must be between 1 and 1000000";
  return std::nullopt;
}

}  // namespace

void ownwire_command::fill_blanks() {
  front.fill_blanks();
  if (internal_address.empty()) internal_address = ownwire_command{}.internal_address;
}

std::string ownwire_command::key_path() const { return identity_key.empty() ? default_key_file : identity_key; }

program describe_ownwire(ownwire_command& c) {
  auto options = front_options(c.front);
  const std::vector<option> own{
      {"identity-key", &c.identity_key,
       "key file; made at the first start (blank means ownwire_identity.json in the working directory)"},
      command_line_only({"new-key", &c.new_key,
                         "let --print-key and --extract-assets make the key file when there is none; never replaces "
                         "one"}),
      command_line_only({"print-key", &c.print_key, "print public keys and key ids, and end"}),
      {"internal-addr",
       &c.internal_address,
       "host:port of the internal WebSocket, for the site's own program",
       {"OWNWIRE_INTERNAL_ADDR"}},
      {"internal-token-file", &c.internal_token_file,
       "file with the token that internal clients show as Authorization: Bearer"},
      {"internal-plaintext-ok", &c.internal_plaintext_ok, "let --internal-addr reach other machines without TLS"},
      {"internal-tls-cert", &c.internal_tls_cert, "PEM certificate chain; turns TLS on for the internal port"},
      {"internal-tls-key", &c.internal_tls_key, "PEM private key of the certificate"},
      {"internal-psk-file", &c.internal_psk_file,
       "JSON file with channel_id and e2ee_psk_b64u; turns the encrypted internal link /e2ee on"},
      {"max-sessions", &c.max_sessions, "most sessions, those without a connection included"},
      {"max-sessions-per-address", &c.max_sessions_per_address, "most connected sessions of one address"},
      {"behind", &c.behind, "URL of an ownwire-edge that has the public port instead of this program"},
      {"behind-token-file", &c.behind_token_file, "file with the token for the edge"},
  };
  options.insert(options.end(), own.begin(), own.end());
  return {.name = "ownwire",
          .summary =
              "Carries a site's chat past every proxy in cipher: browsers on the public port, the site's own "
              "program on the internal one.",
          .blocks = blocks(),
          .options = std::move(options),
          .refuses_words = true,
          .common_help = true,
          .flags_given = &c.flags_given};
}

std::optional<std::string> usage_problem(const ownwire_command& c) {
  if (auto complaint = front_problem(c.front)) return complaint;
  if (auto complaint = internal_problem(c)) return complaint;
  if (auto complaint = behind_problem(c)) return complaint;
  return sessions_problem(c);
}

}  // namespace flowersec::apps
