#include "peer/options.h"

#include "flowersec/session/options.h"

namespace flowersec::apps {
namespace {

constexpr std::int64_t max_mib = 1 << 20;  // 1 TiB each way
// What a peer admits at once by default; one of them carries the RPC.
constexpr auto max_streams = static_cast<std::int64_t>(session::session_options{}.yamux.max_inbound_streams) - 1;

// Below, no frame fits; above, no record may be.
constexpr std::int64_t min_record_bytes = yamux::header_bytes + 1;
constexpr std::int64_t max_record_bytes = 65536;
constexpr auto max_wide_window_session_bytes = static_cast<std::int64_t>(yamux::max_wide_window_session_bytes);

std::vector<option> dial_options(dial_command& c) {
  return {
      {"grant", &c.grant,
       "grant file of this role, or - for stdin: output of flowersec-channelinit, answer of a control plane, or one "
       "grant"},
      {"info", &c.info, "connect info file for the direct path, or - for stdin: output of flowersec-directinit"},
      {"origin", &c.origin, "Origin header to send", {"FSEC_ORIGIN"}},
      {"ca", &c.ca, "PEM file with the only certificates to trust; blank means the system's"},
      {"url", &c.url, "dial this instead of the URL in the grant or info"},
      {"insecure-loopback", &c.insecure_loopback, "allow ws:// to this machine"},
      {"record-bytes", &c.record_bytes,
       "most bytes of one record sent, " + std::to_string(min_record_bytes) + " to " +
           std::to_string(max_record_bytes) + "; large ones are less work for a browser; 0: as the library has it"},
      {"wide-window-session-bytes", &c.wide_window_session_bytes,
       "bytes by which the windows of a session may grow beyond 256 KiB each, 0 to " +
           std::to_string(max_wide_window_session_bytes) + "; 0 turns wide windows off"},
  };
}

const help_block exit_codes{
    "Exit codes",
    {"0  everything held",
     "1  connecting or a check failed; the reason is in the JSON line, or on stderr when there is none",
     "2  usage error"}};

std::optional<std::string> limits_problem(const dial_command& c) {
  if (c.record_bytes != 0 && (c.record_bytes < min_record_bytes || c.record_bytes > max_record_bytes)) {
    return "--record-bytes must be between " + std::to_string(min_record_bytes) + " and " +
           std::to_string(max_record_bytes);
  }
  if (c.wide_window_session_bytes < 0 || c.wide_window_session_bytes > max_wide_window_session_bytes) {
    return "--wide-window-session-bytes must be between 0 and " + std::to_string(max_wide_window_session_bytes);
  }
  return std::nullopt;
}

std::optional<std::string> dial_problem(const dial_command& c) {
  if (c.origin.empty()) return "missing --origin";
  return std::nullopt;
}

}  // namespace

program describe_serve(serve_command& c) {
  auto options = dial_options(c.dial);
  const std::vector<option> own{
      {"control", &c.control,
       "credential of an endpoint, as flowersec-controlplane add-endpoint writes it, or - for stdin; needs "
       "--endpoint-id"},
      {"endpoint-id", &c.endpoint_id, "with --control: the id under which clients ask for this endpoint"},
      {"direct", &c.direct, "listen on address:port for direct clients; needs --info"},
      {"wait", &c.wait, "how long to wait for the client, through a tunnel"},
      {"cert", &c.cert, "PEM certificate chain for --direct; turns TLS on"},
      {"key", &c.key, "PEM private key of the certificate"},
      {"allow-origin", &c.allowed_origins,
       "accepted Origin for --direct (repeatable); not needed on a loopback address"},
      {"once", &c.once, "with --direct or --control: stop after the first session"},
  };
  options.insert(options.end(), own.begin(), own.end());
  return {.name = "flowersec-peer serve",
          .summary = "The server role of the conformance peer: answers RPC and the streams echo, sink and source.",
          .blocks = {{"Usage",
                      {"flowersec-peer serve --grant FILE --origin ORIGIN [flags]",
                       "flowersec-peer serve --control FILE --endpoint-id ID --origin ORIGIN [flags]",
                       "flowersec-peer serve --direct ADDRESS:PORT --info FILE [flags]"}},
                     {"Examples",
                      {"flowersec-peer serve --grant channel.json --origin https://app.example",
                       "flowersec-peer serve --grant channel.json --origin http://127.0.0.1 --insecure-loopback",
                       "flowersec-peer serve --control laptop.json --endpoint-id laptop --origin https://app.example",
                       "flowersec-peer serve --direct 127.0.0.1:9000 --info info.json"}},
                     {"Output",
                      {"stdout: one JSON line when ready (--direct) or registered (--control), one per session when it "
                       "has ended"}},
                     exit_codes,
                     {"Signals", {"SIGINT, SIGTERM  close the session and stop with exit code 0"}}},
          .options = std::move(options)};
}

program describe_client(client_command& c) {
  auto options = dial_options(c.dial);
  const std::vector<option> own{
      {"mib", &c.mib, "MiB to send and to receive in the bulk checks; 0 leaves them out"},
      {"streams", &c.streams, "streams that the bulk checks use at once, 1 to " + std::to_string(max_streams)},
      {"only-bulk", &c.only_bulk, "leave out the checks but those that move --mib"},
      {"say", &c.say, "instead of the checks: send this text over an echo stream and print what comes back"},
      {"quiet", &c.quiet, "no progress bar"},
  };
  options.insert(options.end(), own.begin(), own.end());
  return {.name = "flowersec-peer client",
          .summary = "The client role of the conformance peer: tries everything a server peer offers and measures it.",
          .blocks = {{"Usage",
                      {"flowersec-peer client --grant FILE --origin ORIGIN [flags]",
                       "flowersec-peer client --info FILE --origin ORIGIN [flags]"}},
                     {"Examples",
                      {"flowersec-peer client --grant channel.json --origin https://app.example --mib 64",
                       "curl ... https://plane.example/v1/connect/artifact | flowersec-peer client --grant - --origin "
                       "https://app.example",
                       "flowersec-peer client --info info.json --origin http://127.0.0.1 --insecure-loopback"}},
                     {"Output", {"stdout: one JSON line with every check and the figures; stderr: a progress bar"}},
                     exit_codes},
          .options = std::move(options)};
}

program describe_peer() {
  return {.name = "flowersec-peer",
          .summary = "The conformance peer: tries a deployment out, from either end.",
          .blocks = {{"Usage",
                      {"flowersec-peer serve [flags]   the server role; see flowersec-peer serve -help",
                       "flowersec-peer client [flags]  the client role; see flowersec-peer client -help"}},
                     {"Examples",
                      {"flowersec-channelinit ... --out channel.json",
                       "flowersec-peer serve --grant channel.json --origin https://app.example &",
                       "flowersec-peer client --grant channel.json --origin https://app.example"}},
                     {"Output", {"stdout: JSON lines"}},
                     exit_codes},
          .options = {}};
}

std::optional<std::string> usage_problem(const serve_command& c) {
  if (auto complaint = limits_problem(c.dial)) return complaint;
  if (!c.control.empty()) {
    if (!c.dial.grant.empty() || !c.direct.empty()) return "--control, --grant and --direct exclude each other";
    if (!c.dial.info.empty()) return "--info is for --direct; the credential of an endpoint goes to --control";
    if (c.endpoint_id.empty()) return "--control needs --endpoint-id";
    if (c.wait.count() <= 0) return "--wait must be > 0";
    return dial_problem(c.dial);
  }
  if (!c.endpoint_id.empty()) return "--endpoint-id needs --control";
  if (c.direct.empty()) {
    if (c.dial.grant.empty()) return "missing --grant, --control, or --direct with --info";
    if (!c.dial.info.empty()) return "--info is for --direct; a server behind a tunnel needs --grant alone";
    if (c.wait.count() <= 0) return "--wait must be > 0";
    return dial_problem(c.dial);
  }
  if (c.dial.info.empty()) return "--direct needs --info";
  if (!c.dial.grant.empty()) return "--direct and --grant exclude each other";
  if (c.cert.empty() != c.key.empty()) return "tls requires both --cert and --key";
  return std::nullopt;
}

std::optional<std::string> usage_problem(const client_command& c) {
  if (auto complaint = limits_problem(c.dial)) return complaint;
  if (c.dial.grant.empty() == c.dial.info.empty()) return "give one of --grant and --info";
  if (auto complaint = dial_problem(c.dial)) return complaint;
  if (c.mib < 0 || c.mib > max_mib) return "--mib must be between 0 and " + std::to_string(max_mib);
  if (c.streams < 1 || c.streams > max_streams) return "--streams must be between 1 and " + std::to_string(max_streams);
  return std::nullopt;
}

}  // namespace flowersec::apps
