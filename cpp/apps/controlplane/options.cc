#include "controlplane/options.h"

#include <filesystem>

#include "flowersec/ws/url.h"
#include "serving/flag_values.h"
#include "serving/log.h"
#include "tools/output.h"

namespace flowersec::apps::plane {
namespace {

constexpr std::int64_t most = 1'000'000;

const help_block admin_exit_codes{
    "Exit codes",
    {"0  done, and on the disk", "1  refused by the state file, or a file could not be written", "2  usage error"}};

option state_option(state_files& files) {
  return {"state", &files.state, "state file (required); flowersec-controlplane init makes one", {"FSEC_PLANE_STATE"}};
}

option keyset_option(state_files& files) {
  return {"issuer-keys-file",
          &files.issuer_keys_file,
          "public keyset file that the tunnels read; blank means issuer_keys.json beside the state file",
          {"FSEC_ISSUER_KEYS_FILE"}};
}

option audience_option(std::string& audience) {
  return {"aud", &audience, "audience of the tokens, as the tunnel's --aud (required)", {"FSEC_TUNNEL_AUD"}};
}

option issuer_option(std::string& issuer) {
  return {
      "iss", &issuer, "issuer of the tokens, as the tunnel's --iss (required)", {"FSEC_TUNNEL_ISS", "FSEC_ISSUER_ID"}};
}

option pretty_option(bool& pretty) { return {"pretty", &pretty, "indent the JSON on stdout"}; }

option kid_option(admin_command& c) { return {"kid", &c.kid, "key id (required)"}; }

option endpoint_option(admin_command& c) { return {"endpoint-id", &c.endpoint_id, "endpoint id (required)"}; }

program command(std::string_view word, std::string summary, std::string usage, std::vector<std::string> examples,
                std::vector<std::string> output, std::vector<option> options) {
  const auto name = "flowersec-controlplane " + std::string{word};
  for (auto& line : examples) line = name + ' ' + line;
  return {.name = name,
          .summary = std::move(summary),
          .blocks = {{"Usage", {name + ' ' + std::move(usage)}},
                     {"Examples", std::move(examples)},
                     {"Output", std::move(output)},
                     admin_exit_codes},
          .options = std::move(options),
          .refuses_words = true};
}

std::optional<std::string> url_problem(const serve_command& c) {
  for (const auto& url : c.tunnel_urls) {
    if (auto complaint = websocket_url_problem("--tunnel-url", url)) return complaint;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> new_id_problem(std::string_view flag, std::string_view id) {
  if (id.empty()) return "missing " + std::string{flag};
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto byte = static_cast<unsigned char>(id[i]);
    const auto before = i == 0 ? 0 : static_cast<unsigned char>(id[i - 1]);
    // U+0080 to U+009F are C2 80 to C2 9F.
    if (byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0)) {
      return "invalid " + std::string{flag} + ": an id has no control characters";
    }
  }
  return std::nullopt;
}

std::optional<std::string> replaced_state_problem(const state_files& files, std::string_view flag,
                                                  const std::string& path) {
  for (const auto* part : {"", "-wal", "-shm", "-journal"}) {
    if (same_file(files.state + part, path))
      return "invalid " + std::string{flag} + ": " + path + " is a part of --state";
  }
  return std::nullopt;
}

std::optional<std::string> keyset_problem(const state_files& files) {
  return replaced_state_problem(files, "--issuer-keys-file", files.keyset_path());
}

std::optional<std::string> websocket_url_problem(std::string_view flag, const std::string& url) {
  if (url.find('#') != url.npos) return "invalid " + std::string{flag} + ": " + url + " has a fragment";
  if (ws::parse_url(url)) return std::nullopt;
  return "invalid " + std::string{flag} + ": " + url + " is not a URL wss://HOST[:PORT]/PATH, or ws://";
}

std::string state_files::keyset_path() const {
  if (!issuer_keys_file.empty()) return issuer_keys_file;
  return (std::filesystem::path{state}.parent_path() / "issuer_keys.json").string();
}

program describe_serve(serve_command& c) {
  return {
      .name = "flowersec-controlplane serve",
      .summary =
          "Hands out connect artifacts over HTTP and tells endpoints, over their control connections, whom to meet.",
      .blocks =
          {{"Usage",
            {"flowersec-controlplane serve --state FILE --bearer-key-file FILE --tunnel-url URL --aud AUDIENCE --iss "
             "ISSUER "
             "[flags]"}},
           {"Examples",
            {"flowersec-controlplane serve --state plane.db --bearer-key-file bearer.key \\",
             "  --tunnel-url wss://tunnel.example/ws --aud my-tunnel --iss my-issuer \\",
             "  --listen 127.0.0.1:8090 --control-listen 127.0.0.1:8091",
             "curl -H \"Authorization: Bearer $(cat bearer.key)\" -H 'Content-Type: application/json' \\",
             "  -d '{\"endpoint_id\":\"laptop\"}' http://127.0.0.1:8090/v1/connect/artifact"}},
           {"Output",
            {"stdout: one JSON line when everything listens: version, commit, date, listen, http_url, control_url,",
             "        issuer_keys_file, kid, and metrics_url when there is such a listener. With --demo also",
             "        controlplane_http_url, tunnel_audience, tunnel_issuer, tunnel_ws_url_hint, tunnel_listen,",
             "        tunnel_ws_path and server_endpoint_control.",
             "stderr: log lines. Each artifact and each change of an endpoint or a key gets one; refusals at most 20 a",
             "        second. No line holds a key, a token, a ticket or a bearer key."}},
           {"Exit codes",
            {"0  stopped by a signal", "1  the state file, a key, certificate or listener failed", "2  usage error"}},
           {"Signals",
            {"SIGHUP           read bearer key and certificate again; a bad file changes nothing",
             "SIGINT, SIGTERM  answer what was asked, close, and stop; at once at the second"}}},
      .options =
          {state_option(c.files),
           keyset_option(c.files),
           {"listen", &c.listen, "host:port for HTTP; port 0 lets the system choose", {"FSEC_PLANE_LISTEN"}},
           {"control-listen",
            &c.control_listen,
            "host:port for control connections, path /control/ws; port 0 lets the system choose",
            {"FSEC_PLANE_CONTROL_LISTEN"}},
           {"metrics-listen",
            &c.metrics_listen,
            "host:port for /metrics; blank means none",
            {"FSEC_PLANE_METRICS_LISTEN"}},
           {"bearer-key-file",
            &c.bearer_key_file,
            "file with the key that callers of /v1/connect/artifact show, 16 to 4096 characters (required)",
            {"FSEC_PLANE_BEARER_KEY_FILE"}},
           {"tunnel-url",
            &c.tunnel_urls,
            "WebSocket URL of a tunnel (required; repeatable: each channel has its tunnel by rendezvous hashing)",
            {"FSEC_TUNNEL_URL"}},
           audience_option(c.audience),
           issuer_option(c.issuer),
           {"token-lifetime", &c.token_lifetime, "how long a token may be shown, at most 2m"},
           {"idle-timeout", &c.idle_timeout, "silence after which a tunnel closes a channel"},
           {"demo", &c.demo,
            "for the family's demonstration programs: callers need no key, the ready line has a credential for every "
            "endpoint, and /v1/channel/init answers"},
           {"tls-cert-file", &c.tls_cert_file, "PEM certificate chain; turns TLS on for all listeners"},
           {"tls-key-file", &c.tls_key_file, "PEM private key of the certificate"},
           {"trusted-proxy", &c.trusted_proxies,
            "address or network of a proxy in front of --control-listen, whose X-Forwarded-For says whose a connection "
            "is (repeatable; not given means this machine)"},
           {"max-conns", &c.max_conns, "most HTTP connections, and so requests, at once; later ones wait"},
           {"max-endpoints", &c.max_endpoints,
            "most control connections; one more is closed, unless it can replace one of its endpoint"},
           {"request-timeout", &c.request_timeout, "longest time for a request to arrive"},
           {"delivery-timeout", &c.delivery_timeout,
            "longest time for an endpoint to have a grant; later it is dropped"},
           {"shutdown-timeout", &c.shutdown_timeout, "longest wait for requests under way when stopping"},
           {"log-format", &c.log_format, "text or json", {"FSEC_PLANE_LOG_FORMAT"}},
           {"log-level", &c.log_level, "error, warning, info or debug", {"FSEC_PLANE_LOG_LEVEL"}},
           command_line_only({"config", &c.config, "file with the other flags, one name = value a line"}),
           pretty_option(c.pretty)},
      .config_file = &c.config,
      .refuses_words = true,
  };
}

program describe_init(admin_command& c) {
  c.kid = "k1";
  return command(
      "init", "Makes a state file with a first key, and the keyset file for the tunnels.", "--state FILE [flags]",
      {"--state plane.db", "--state /var/lib/flowersec/plane.db --issuer-keys-file /etc/flowersec/keys.json"},
      {"stdout: one JSON line: state, issuer_keys_file, kid. The state file holds secrets and has mode 0600."},
      {state_option(c.files),
       keyset_option(c.files),
       {"kid", &c.kid, "key id of the first key"},
       {"overwrite", &c.overwrite, "replace an existing keyset file; a state file is never replaced"},
       pretty_option(c.pretty)});
}

program describe_add_endpoint(admin_command& c) {
  c.valid_for = std::chrono::hours{24 * 365};
  return command(
      "add-endpoint", "Lets an endpoint register, and makes its credential.",
      "--state FILE --endpoint-id ID --control-url URL [flags]",
      {"--state plane.db --endpoint-id laptop --control-url wss://plane.example/control/ws --out laptop.json"},
      {"stdout, or --out with mode 0600: the connect info of the control connection. It is the credential, it is "
       "secret,",
       "and it is not shown again; a lost one is revoked and the endpoint added once more."},
      {state_option(c.files),
       endpoint_option(c),
       {"control-url", &c.control_url, "URL under which the endpoint reaches --control-listen of serve (required)"},
       {"suite", &c.suite, "x25519 or p256"},
       {"valid-for", &c.valid_for, "how long the endpoint may connect with it"},
       {"out", &c.out, "file for the credential; blank means stdout"},
       {"overwrite", &c.overwrite, "replace an existing --out"},
       pretty_option(c.pretty)});
}

program describe_revoke_endpoint(admin_command& c) {
  return command("revoke-endpoint",
                 "Takes an endpoint's credential and its tickets away; a running service cuts its connection.",
                 "--state FILE --endpoint-id ID", {"--state plane.db --endpoint-id laptop"},
                 {"stdout: one JSON line: endpoint_id, revoked"},
                 {state_option(c.files), endpoint_option(c), pretty_option(c.pretty)});
}

program describe_list_endpoints(admin_command& c) {
  return command("list-endpoints", "Lists who may register.", "--state FILE", {"--state plane.db"},
                 {"stdout: one JSON line per endpoint: endpoint_id, added_at, expires_at (Unix seconds)"},
                 {state_option(c.files)});
}

program describe_make_ticket(admin_command& c) {
  c.valid_for = std::chrono::minutes{10};
  return command(
      "make-ticket", "Makes a ticket for one endpoint, for callers of /v1/connect/artifact/entry.",
      "--state FILE --endpoint-id ID [flags]",
      {"--state plane.db --endpoint-id laptop", "--state plane.db --endpoint-id laptop --uses 3 --valid-for 1h"},
      {"stdout: one JSON line: ticket, endpoint_id, uses, expires_at. Only a hash of the ticket is kept."},
      {state_option(c.files),
       endpoint_option(c),
       {"uses", &c.uses, "how many artifacts it is good for, 1 to " + std::to_string(most)},
       {"valid-for", &c.valid_for, "how long it is good"},
       pretty_option(c.pretty)});
}

program describe_list_keys(admin_command& c) {
  return command("list-keys", "Lists the keys that tunnels are to know.", "--state FILE", {"--state plane.db"},
                 {"stdout: one JSON line per key: kid, state (published, signing or replaced), since (Unix seconds)"},
                 {state_option(c.files)});
}

program describe_publish_key(admin_command& c) {
  return command("publish-key", "First step of a rotation: makes a key and lets the tunnels know it.",
                 "--state FILE --kid ID [flags]", {"--state plane.db --kid k2"},
                 {"stdout: one JSON line: kid, state, issuer_keys_file"},
                 {state_option(c.files), keyset_option(c.files), kid_option(c), pretty_option(c.pretty)});
}

program describe_rotate_key(admin_command& c) {
  return command(
      "rotate-key", "Second step of a rotation: waits until every tunnel knows the key, then signs with it.",
      "--state FILE --kid ID --tunnel-ready-url URL --aud AUDIENCE --iss ISSUER [flags]",
      {"--state plane.db --kid k2 --tunnel-ready-url https://tunnel.example/readyz --aud my-tunnel --iss my-issuer",
       "--state plane.db --kid k2 --unchecked"},
      {"stdout: one JSON line: kid, state"},
      {state_option(c.files),
       keyset_option(c.files),
       kid_option(c),
       {"tunnel-ready-url", &c.tunnel_ready_urls,
        "/readyz of a tunnel (repeatable: give every tunnel); it lists the keys that the tunnel has loaded"},
       audience_option(c.audience),
       issuer_option(c.issuer),
       {"wait", &c.wait, "how long to wait for the tunnels, which are asked twice a second"},
       {"unchecked", &c.unchecked, "do not ask the tunnels: tokens are refused by those that do not know the key yet"},
       pretty_option(c.pretty)});
}

program describe_retire_key(admin_command& c) {
  return command("retire-key",
                 "Last step of a rotation: takes a key away from the tunnels, 3 minutes after it was replaced.",
                 "--state FILE --kid ID [flags]", {"--state plane.db --kid k1", "--state plane.db --kid k1 --now"},
                 {"stdout: one JSON line: kid, state, issuer_keys_file"},
                 {state_option(c.files),
                  keyset_option(c.files),
                  kid_option(c),
                  {"now", &c.now, "do not wait: for a key that somebody else has; clients under way are refused"},
                  pretty_option(c.pretty)});
}

program describe_export_key(admin_command& c) {
  return command("export-key", "Writes the private key file of the key that signs, for the other tools.",
                 "--state FILE --out FILE [flags]", {"--state plane.db --out issuer_key.json"},
                 {"--out, mode 0600: the private key file. It is secret."},
                 {state_option(c.files),
                  {"out", &c.out, "file for the key (required)"},
                  {"overwrite", &c.overwrite, "replace an existing --out"}});
}

program describe_back_up(admin_command& c) {
  return command("back-up", "Copies the whole state file while a service is using it.", "--state FILE --out FILE",
                 {"--state plane.db --out plane-$(date +%F).db"},
                 {"--out, mode 0600: a state file. It is as secret as the first, and serves in its place."},
                 {state_option(c.files), {"out", &c.out, "file for the copy; must not exist (required)"}});
}

program describe_controlplane() {
  return {.name = "flowersec-controlplane",
          .summary = "A small control plane: keys, endpoints and connect artifacts, without a program of your own.",
          .blocks = {{"Usage",
                      {"flowersec-controlplane COMMAND [flags]   each command has -help", "",
                       "serve            run the service", "init             make a state file",
                       "add-endpoint     let an endpoint register", "revoke-endpoint  cut an endpoint off",
                       "list-endpoints   who may register", "make-ticket      let somebody ask for one endpoint",
                       "list-keys        the keys and their states",
                       "publish-key      rotation, step 1: let tunnels know a new key",
                       "rotate-key       rotation, step 2: sign with it",
                       "retire-key       rotation, step 3: take the old key away",
                       "export-key       the signing key as a file", "back-up          a copy of the state file"}},
                     {"Examples",
                      {"flowersec-controlplane init --state plane.db",
                       "flowersec-controlplane add-endpoint --state plane.db --endpoint-id laptop \\",
                       "  --control-url ws://127.0.0.1:8091/control/ws --out laptop.json",
                       "flowersec-controlplane serve --state plane.db --bearer-key-file bearer.key \\",
                       "  --tunnel-url ws://127.0.0.1:8080/ws --aud my-tunnel --iss my-issuer \\",
                       "  --control-listen 127.0.0.1:8091"}},
                     {"Output", {"stdout: JSON lines"}},
                     admin_exit_codes},
          .options = {},
          .refuses_words = true};
}

std::optional<std::string> usage_problem(const serve_command& c) {
  using namespace std::chrono_literals;
  if (c.files.state.empty()) return "missing --state (flowersec-controlplane init makes a state file)";
  if (auto complaint = keyset_problem(c.files)) return complaint;
  if (c.demo && !c.bearer_key_file.empty()) return "--demo and --bearer-key-file exclude each other";
  if (c.bearer_key_file.empty() && !c.demo)
    return "missing --bearer-key-file (head -c 32 /dev/urandom | base64 makes a key)";
  if (c.tunnel_urls.empty()) return "missing --tunnel-url";
  if (c.audience.empty()) return "missing --aud";
  if (c.issuer.empty()) return "missing --iss";
  if (auto complaint = url_problem(c)) return complaint;
  if (c.token_lifetime < 1s || c.token_lifetime > controlplane::channel_init_window) {
    return "--token-lifetime must be between 1s and 2m";
  }
  if (c.idle_timeout < 1s || c.idle_timeout > std::chrono::hours{24 * 365}) {
    return "--idle-timeout must be between 1s and 8760h";
  }
  if (c.tls_cert_file.empty() != c.tls_key_file.empty()) return "tls requires both --tls-cert-file and --tls-key-file";
  if (auto complaint = proxies_problem(c.trusted_proxies)) return complaint;
  if (c.max_conns < 1 || c.max_conns > most) return "--max-conns must be between 1 and " + std::to_string(most);
  if (c.max_endpoints < 1 || c.max_endpoints > most)
    return "--max-endpoints must be between 1 and " + std::to_string(most);
  if (c.request_timeout < 100ms) return "--request-timeout must be >= 100ms";
  if (c.delivery_timeout < 100ms || c.delivery_timeout > 1h) return "--delivery-timeout must be between 100ms and 1h";
  if (c.shutdown_timeout < 0ms) return "--shutdown-timeout must be >= 0";
  if (!parse_log_format(c.log_format)) return "--log-format must be text or json";
  if (!parse_log_level(c.log_level)) return "--log-level must be error, warning, info or debug";
  return std::nullopt;
}

}  // namespace flowersec::apps::plane
