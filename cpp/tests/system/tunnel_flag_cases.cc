// One case for each flag of flowersec-tunnel. A new flag needs one here, or tunnel_flags_test fails.
#include "tunnel_flag_cases.h"

#include <csignal>

#include "cli/version.h"

namespace flowersec::testing {
namespace {

using observation = std::function<std::string(flag_run&)>;

constexpr const char* origin = "https://app.example";

observation member(const char* name) {
  return [name](flag_run& run) { return run.member(name); };
}
/// The port of an address is the system's choice.
observation host_of(const char* name) {
  return [name](flag_run& run) {
    const auto address = run.member(name);
    return address.substr(0, address.rfind(':'));
  };
}
/// How it ends, for a value that makes no sense.
std::string ending(flag_run& run) { return run.ending(); }
/// The same without what stands behind a second colon.
std::string first_words_of_ending(flag_run& run) {
  const auto text = run.ending();
  return text.substr(0, text.find(':', text.find(':') + 1));
}
std::string first_line(flag_run& run) { return run.first_line; }

/// What the first of two endpoints hears.
std::string attaching(flag_run& run) { return run.ready ? heard(run.meet("room").first) : run.ending(); }
std::string attaching_with_another_audience(flag_run& run) {
  return run.ready ? heard(run.meet("room", "another").first) : run.ending();
}
/// The same of the second, after the first was let in.
std::string attaching_second(flag_run& run) { return heard(run.meet("room").second); }

std::string another_channel(flag_run& run) {
  auto here = run.meet("room");
  if (heard(here.first) != "greeting" || heard(here.second) != "greeting") return "no first channel";
  return heard(run.meet("another room").first);
}

std::string third_connection(flag_run& run) {
  auto here = run.meet("room");
  if (heard(here.first) != "greeting") return "no first channel";
  auto third = tunnel_client::attached(run.listen(), "no attach message");
  return heard(third);
}

/// What was sent before the peer came is kept for it, unless a budget says no.
std::string message_for_later(flag_run& run) {
  tunnel_client first{run.listen()};
  first.upgrade({});
  // At once: a second send would wait for the answer to the first, and be overtaken.
  auto both = client_frame(op_text, run.world.mint.attach_text("room", 1));
  append(both, client_frame(op_binary, std::string(4096, 'x')));
  first.send(both);
  auto second = tunnel_client::attached(run.listen(), run.world.mint.attach_text("room", 2));
  second.binary("greeting");
  return heard(first);
}

/// Whether a sender whose peer reads nothing loses its connection well before the default time.
std::string unread_messages(flag_run& run) {
  auto here = run.meet("room");
  if (heard(here.first) != "greeting") return "no channel";
  const auto message = client_frame(op_binary, std::string(65536, 'x'));
  constexpr std::chrono::seconds much_less_than_default{3};
  return here.second.send_until_ended(message, much_less_than_default) ? "dropped" : "kept";
}

/// Everything on stderr of a tunnel that is told to stop.
std::string whole_log(flag_run& run) {
  run.process.send_signal(SIGTERM);
  return run.process.wait().err;
}

std::string log_of_metrics(flag_run& run) {
  run.process.send_signal(SIGUSR1);
  if (!run.process.wait_for_err("metrics enabled")) return "no line";
  return run.process.err_so_far().find(R"("level":"info","message":"metrics enabled"})") == std::string::npos ? "text"
                                                                                                              : "json";
}

std::string build_info(flag_run& run) {
  const auto url = run.member("metrics_url");
  const auto authority = url.substr(7, url.rfind('/') - 7);
  const auto text = testing_support::http_get(authority, "/metrics");
  return text.find("\nflowersec_tunnel_build_info{") == std::string::npos ? "absent" : "present";
}

/// Whether a paired channel outlives the first SIGTERM.
std::string stopping(flag_run& run) {
  auto here = run.meet("room");
  if (heard(here.first) != "greeting") return "no channel";
  run.process.send_signal(SIGTERM);
  return run.process.wait_for_err("draining: ") ? "drains" : "stops";
}

std::string second_upgrade(flag_run& run) {
  tunnel_client first{run.listen()};
  first.upgrade({});
  return run.upgrade(origin);
}

std::string memory_of_tokens(flag_run& run) {
  return whole_log(run).find("used tokens remembered") == std::string::npos ? "forgets" : "remembers";
}

std::vector<flag_case> make_cases() {
  return {
      {"advertise-host", "tunnel.example", member("advertise_host"), "tunnel.example"},
      {"allow-no-origin", "true", [](flag_run& run) { return run.upgrade(""); }, "101"},
      {"allow-origin", "https://b.example", [](flag_run& run) { return run.upgrade("https://b.example"); }, "101"},
      {"attach-authorizer-url", "http://127.0.0.1:9/", attaching, "policy_error"},
      {"attach-rate-per-ip", "1", second_upgrade, "429"},
      {"aud", "another", attaching_with_another_audience, "greeting"},
      {"authorizer-header", "no colon", first_words_of_ending, "exit 2: invalid --authorizer-header"},
      {"check-config", "true", first_line, "ok   flags, environment and configuration file"},
      {"config", "{dir}/path.conf", member("ws_path"), "/from-the-file"},
      {"drain-timeout", "10s", stopping, "drains"},
      {"iss", "another", attaching, "invalid_token"},
      {"issuer-keys-file", "{dir}/keys.json", attaching, "greeting"},
      {"listen", "127.0.0.2:0", host_of("listen"), "127.0.0.2"},
      {"log-format", "json", log_of_metrics, "json"},
      {"log-level", "error", whole_log, "", {{"iss", ""}}},
      {"max-channels", "1", another_channel, "too_many_connections"},
      {"max-conns", "2", third_connection, "too_many_connections"},
      {"max-conns-per-ip", "1", second_upgrade, "429"},
      {"max-init-horizon", "10s", attaching, "invalid_token"},
      {"max-replay-entries", "1", attaching_second, "token_replay"},
      {"max-tenant-queued-bytes", "2000", message_for_later, "<end>"},
      {"max-token-lifetime", "30s", attaching, "invalid_token"},
      {"max-total-queued-bytes", "2000", message_for_later, "<end>"},
      {"max-write-queue-bytes", "1048575", ending,
       "exit 2: invalid --max-write-queue-bytes: max write queue bytes must be >= max record bytes (1048576)"},
      {"metrics-listen", "127.0.0.2:0", host_of("metrics_url"), "http://127.0.0.2"},
      {"observe-authorizer-url", "http://127.0.0.1:9/", ending,
       "exit 2: --observe-authorizer-url requires --attach-authorizer-url"},
      {"policy-batch-size", "-1", ending, "exit 2: --policy-batch-size must be >= 0"},
      {"policy-observe-interval", "-1s", ending, "exit 2: --policy-observe-interval must be >= 0"},
      {"policy-request-timeout", "-1s", ending, "exit 2: --policy-request-timeout must be >= 0"},
      {"pretty", "true", first_line, "{"},
      {"print-config", "true", first_line, "advertise-host ="},
      {"process-metrics", "true", build_info, "present", {{"metrics-listen", "127.0.0.1:0"}}},
      {"replay-fence", "true", attaching, "token_replay"},
      {"replay-journal", "{dir}/journal", memory_of_tokens, "remembers"},
      {"stats-listen", "127.0.0.2:0", host_of("stats_url"), "http://127.0.0.2"},
      {"tenants-file", "{dir}/tenants.json", ending,
       "exit 2: cannot combine --tenants-file with --issuer-keys-file, --aud, or --iss"},
      {"threads", "7", [](flag_run& run) { return std::to_string(run.process.threads()); }, "8"},
      {"tls-cert-file", "{certificate}", ending, "runs", {{"tls-key-file", "{key}"}}},
      {"tls-key-file", "{key}", ending, "runs", {{"tls-cert-file", "{certificate}"}}},
      {"trusted-proxy", "proxy.example", ending,
       "exit 2: invalid --trusted-proxy: proxy.example is neither an address nor a network such as 192.0.2.0/24"},
      {"version", "true", first_line, apps::version_line(apps::build_version())},
      {"write-timeout", "50ms", unread_messages, "dropped"},
      {"ws-path", "/other", [](flag_run& run) { return run.upgrade(origin, "/other"); }, "101"},
  };
}

}  // namespace

const std::vector<flag_case>& flag_cases() {
  static const auto cases = make_cases();
  return cases;
}

}  // namespace flowersec::testing
