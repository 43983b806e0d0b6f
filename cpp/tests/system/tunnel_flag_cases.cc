// One case for each flag of flowersec-tunnel. A new flag needs one here, or tunnel_flags_test fails.
#include "tunnel_flag_cases.h"

#include <boost/json/parse.hpp>
#include <csignal>
#include <map>
#include <set>

#include "cli/version.h"
#include "support/standstill.h"

namespace flowersec::testing {
namespace {

using observation = std::function<std::string(flag_run&)>;

constexpr const char* origin = "https://app.example";

/// What a machine may take of a time that is compared with another.
constexpr std::chrono::milliseconds tolerable{250};

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
std::string scheme(flag_run& run) {
  const auto url = run.member("ws_url");
  return url.substr(0, url.find(':'));
}
/// How it ends, for a value that makes no sense.
std::string ending(flag_run& run) { return run.ending(); }
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
  standstill_watch machine;
  bool ended = here.second.send_until_ended(message, much_less_than_default);
  if (!ended && machine.take() > tolerable) ended = here.second.send_until_ended(message, much_less_than_default);
  return ended ? "dropped" : "kept";
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
  return run.metrics().find("\nflowersec_tunnel_build_info{") == std::string::npos ? "absent" : "present";
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
  // What an address may do in a second it may do again when the machine stood still for one.
  constexpr int most = 10;
  std::string status = "101";
  for (int i = 0; i < most && status == "101"; ++i) status = run.upgrade(origin);
  return status;
}

std::string memory_of_tokens(flag_run& run) {
  return whole_log(run).find("used tokens remembered") == std::string::npos ? "forgets" : "remembers";
}

std::string second_behind_a_proxy(flag_run& run) {
  tunnel_client first{run.listen()};
  tunnel_client::options how;
  how.more_headers = "X-Forwarded-For: 192.0.2.1\r\n";
  first.upgrade(how);
  return run.upgrade(origin, "/ws", "X-Forwarded-For: 192.0.2.2\r\n");
}

/// A name that no other run uses: they share the authorizer.
std::string fresh_name() {
  static int made = 0;
  return "channel-" + std::to_string(++made);
}

/// What an attach shows to the authorizer as X-Key.
std::string key_shown_to_the_authorizer(flag_run& run) {
  const auto room = fresh_name();
  auto client = tunnel_client::attached(run.listen(), run.world.mint.attach_text(room, 1));
  const auto is_about_room = [&](const http::request& one) { return one.body.find(room) != std::string::npos; };
  const auto asked = run.world.authorizer.wait_until(
      "/allow", [&](const auto& requests) { return std::ranges::any_of(requests, is_about_room); });
  const auto about_room = std::ranges::find_if(asked, is_about_room);
  return std::string{http::find_header(about_room->headers, "X-Key").value_or("none")};
}

/// Why a channel ends in which nothing is ever said.
std::string end_of_a_quiet_channel(flag_run& run) {
  auto token = run.world.mint.draft(fresh_name(), 1);
  token.idle_timeout_seconds = 3;
  auto client = tunnel_client::attached(run.listen(), run.world.mint.attach_text(token));
  if (!client.ended()) return "a close frame";
  const auto counted = run.metrics();
  for (const std::string reason : {"policy_denied", "idle_timeout"}) {
    if (counted.find("flowersec_tunnel_close_total{reason=\"" + reason + "\"} 1\n") != std::string::npos) return reason;
  }
  return "neither";
}

/// Of two channels, how many one request of an observation is about.
std::string channels_in_a_batch(flag_run& run) {
  const std::set<std::string> rooms{fresh_name(), fresh_name()};
  std::vector<tunnel_client> clients;
  for (const auto& room : rooms) {
    clients.push_back(tunnel_client::attached(run.listen(), run.world.mint.attach_text(room, 1)));
  }
  std::size_t most = 0;
  const auto is_complete = [&](const std::vector<http::request>& requests) {
    std::map<std::int64_t, std::set<std::string>> seen;  // by the time of the observation
    std::map<std::int64_t, std::size_t> largest;
    for (const auto& one : requests) {
      const auto body = boost::json::parse(one.body);
      const auto when = body.at("now_unix_ms").as_int64();
      std::size_t of_ours = 0;
      for (const auto& channel : body.at("channels").as_array()) {
        const std::string name{channel.at("channel_id").as_string()};
        if (!rooms.contains(name)) continue;
        seen[when].insert(name);
        ++of_ours;
      }
      largest[when] = std::max(largest[when], of_ours);
    }
    const auto whole = std::ranges::find(seen, rooms, [](const auto& entry) { return entry.second; });
    if (whole != seen.end()) most = largest[whole->first];
    return whole != seen.end();
  };
  (void)run.world.authorizer.wait_until("/note", is_complete);
  return std::to_string(most);
}

/// What an attach hears when the authorizer says nothing, and whether it hears it well before the default time.
std::string waiting_for_a_silent_authorizer(flag_run& run) {
  constexpr std::chrono::seconds less_than_default{2};
  constexpr int attempts = 10;
  for (int i = 1;; ++i) {
    standstill_watch machine;
    const auto begin = std::chrono::steady_clock::now();
    const auto reason = heard(run.meet(fresh_name()).first);
    const auto took = std::chrono::steady_clock::now() - begin;
    // How long it was says nothing when the machine took a part of it.
    if (machine.take() <= tolerable || i == attempts) return reason + (took < less_than_default ? " soon" : " late");
  }
}

const settings observed{{"attach-authorizer-url", "{authorizer}/allow"},
                        {"observe-authorizer-url", "{authorizer}/deny"},
                        {"policy-observe-interval", "50ms"},
                        {"metrics-listen", "127.0.0.1:0"}};
const settings noted{{"attach-authorizer-url", "{authorizer}/allow"},
                     {"observe-authorizer-url", "{authorizer}/note"},
                     {"policy-observe-interval", "50ms"}};

std::vector<flag_case> make_cases() {
  return {
      {"advertise-host", "tunnel.example", member("advertise_host"), "tunnel.example"},
      {"allow-no-origin", "true", [](flag_run& run) { return run.upgrade(""); }, "101"},
      {"allow-origin", "https://b.example", [](flag_run& run) { return run.upgrade("https://b.example"); }, "101"},
      {"attach-authorizer-url", "http://127.0.0.1:9/", attaching, "policy_error"},
      {"attach-rate-per-ip", "1", second_upgrade, "429"},
      {"aud", "another", attaching_with_another_audience, "greeting"},
      {"authorizer-header",
       "X-Key: shown",
       key_shown_to_the_authorizer,
       "shown",
       {{"attach-authorizer-url", "{authorizer}/allow"}}},
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
      // A larger one changes nothing that can be seen: the source stops before, at one block.
      {"max-write-queue-bytes", "1048575", ending,
       "exit 2: invalid --max-write-queue-bytes: max write queue bytes must be >= max record bytes (1048576)"},
      {"metrics-listen", "127.0.0.2:0", host_of("metrics_url"), "http://127.0.0.2"},
      {"observe-authorizer-url", "{authorizer}/deny", end_of_a_quiet_channel, "policy_denied", observed},
      {"policy-batch-size", "1", channels_in_a_batch, "1", noted},
      {"policy-observe-interval", "50ms", end_of_a_quiet_channel, "policy_denied", observed},
      {"policy-request-timeout",
       "50ms",
       waiting_for_a_silent_authorizer,
       "policy_error soon",
       {{"attach-authorizer-url", "{authorizer}/silent"}}},
      {"pretty", "true", first_line, "{"},
      {"print-config", "true", first_line, "advertise-host ="},
      {"process-metrics", "true", build_info, "present", {{"metrics-listen", "127.0.0.1:0"}}},
      {"replay-fence", "true", attaching, "token_replay"},
      {"replay-journal", "{dir}/journal", memory_of_tokens, "remembers"},
      {"stats-listen", "127.0.0.2:0", host_of("stats_url"), "http://127.0.0.2"},
      {"tenants-file",
       "{dir}/tenants.json",
       attaching,
       "greeting",
       {{"issuer-keys-file", ""}, {"aud", ""}, {"iss", ""}}},
      {"threads", "7", [](flag_run& run) { return std::to_string(run.process.threads()); }, "8"},
      {"tls-cert-file", "{certificate}", scheme, "wss", {{"tls-key-file", "{key}"}}},
      {"tls-key-file", "{key}", scheme, "wss", {{"tls-cert-file", "{certificate}"}}},
      {"trusted-proxy", "127.0.0.0/8", second_behind_a_proxy, "101", {{"max-conns-per-ip", "1"}}},
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
