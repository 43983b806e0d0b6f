// flowersec-tunnel as a real process: start, ready line, refusals, signals.
#include <gmock/gmock.h>
#include <signal.h>

#include <future>

#include "flowersec/base/json.h"
#include "support/process.h"

namespace flowersec::testing_support {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* program = "flowersec-tunnel";

struct keyset {
  temporary_folder folder;
  std::string file = folder.file("issuer_keys.json");
  keyset() { EXPECT_EQ(run_program("flowersec-issuer-keygen", {"--out-dir", folder.path()}).exit_code, 0); }
  [[nodiscard]] process::words arguments(process::words more = {}) const {
    more.insert(more.end(), {"--issuer-keys-file", file, "--aud", "my-aud"});
    return more;
  }
};

boost::json::object json(const std::optional<std::string>& line) {
  const auto parsed = parse_json_object(line.value_or(""), 1 << 20);
  EXPECT_TRUE(parsed) << line.value_or("(no line)");
  return parsed.value_or(boost::json::object{});
}

std::string text(const boost::json::object& object, const char* key) { return std::string{object.at(key).as_string()}; }

TEST(tunnel_program, starts_as_the_first_readme_says) {
  const keyset keys;
  process tunnel{program, keys.arguments({"--listen", "127.0.0.1:0"})};
  const auto ready = json(tunnel.read_line());
  EXPECT_THAT(text(ready, "listen"), ContainsRegex("^127\\.0\\.0\\.1:[1-9][0-9]*$"));
  EXPECT_EQ(text(ready, "ws_path"), "/ws");
  EXPECT_EQ(text(ready, "ws_url"), "ws://" + text(ready, "listen") + "/ws");
  EXPECT_EQ(ready.count("metrics_url"), 0u);
  EXPECT_THAT(http_get(text(ready, "listen"), "/healthz"), EndsWith("\r\n\r\nok"));
  tunnel.send_signal(SIGTERM);
  const auto end = tunnel.wait();
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(end.out, "") << "one line, nothing else";
  EXPECT_THAT(end.err,
              ContainsRegex("^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} warning: no --allow-origin"));
  EXPECT_THAT(end.err, HasSubstr("warning: no --iss"));
}

TEST(tunnel_program, an_interrupt_ends_it_too) {
  const keyset keys;
  process tunnel{program, keys.arguments()};
  ASSERT_TRUE(tunnel.read_line());
  tunnel.send_signal(SIGINT);
  EXPECT_EQ(tunnel.wait().exit_code, 0);
}

TEST(tunnel_program, serves_metrics_on_the_main_listener_between_two_signals) {
  const keyset keys;
  process tunnel{program, keys.arguments()};
  const auto listen = text(json(tunnel.read_line()), "listen");
  EXPECT_THAT(http_get(listen, "/metrics"), StartsWith("HTTP/1.1 404 "));
  tunnel.send_signal(SIGUSR1);
  ASSERT_TRUE(tunnel.wait_for_err(" metrics enabled\n"));
  const auto metrics = http_get(listen, "/metrics");
  EXPECT_THAT(metrics, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(metrics, HasSubstr("\nflowersec_tunnel_connections 0\n"));
  tunnel.send_signal(SIGUSR2);
  ASSERT_TRUE(tunnel.wait_for_err(" metrics disabled\n"));
  const auto gone = http_get(listen, "/metrics");
  EXPECT_THAT(gone, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(gone, EndsWith("404 page not found\n"));
}

TEST(tunnel_program, out_of_descriptors_it_makes_newcomers_wait_and_says_so) {
  const keyset keys;
  process tunnel{program, keys.arguments()};
  const auto listen = text(json(tunnel.read_line()), "listen");
  tunnel.limit_descriptors(tunnel.open_descriptors());
  auto waiting = std::async(std::launch::async, [&listen] { return http_get(listen, "/healthz"); });
  EXPECT_TRUE(tunnel.wait_for_err(" warning: out of file descriptors or socket memory: new connections wait"));
  tunnel.limit_descriptors(1024);
  EXPECT_THAT(waiting.get(), EndsWith("\r\n\r\nok"));
  tunnel.send_signal(SIGTERM);
  EXPECT_EQ(tunnel.wait().exit_code, 0);
}

TEST(tunnel_program, serves_metrics_on_a_listener_of_their_own_from_the_start) {
  const keyset keys;
  process tunnel{program, keys.arguments({"--metrics-listen", "127.0.0.1:0"})};
  const auto ready = json(tunnel.read_line());
  const auto url = text(ready, "metrics_url");
  ASSERT_THAT(url, ContainsRegex("^http://127\\.0\\.0\\.1:[1-9][0-9]*/metrics$"));
  const auto listen = url.substr(7, url.find("/metrics") - 7);
  EXPECT_THAT(http_get(listen, "/metrics"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(http_get(listen, "/healthz"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(http_get(text(ready, "listen"), "/metrics"), StartsWith("HTTP/1.1 404 "));
  tunnel.send_signal(SIGUSR2);
  ASSERT_TRUE(tunnel.wait_for_err(" metrics disabled\n"));
  EXPECT_THAT(http_get(listen, "/metrics"), StartsWith("HTTP/1.1 404 "));
  tunnel.send_signal(SIGUSR1);
  ASSERT_TRUE(tunnel.wait_for_err(" metrics enabled\n"));
  EXPECT_THAT(http_get(listen, "/metrics"), StartsWith("HTTP/1.1 200 "));
}

TEST(tunnel_program, metrics_of_every_interface_answer_on_both_families) {
  const keyset keys;
  process tunnel{program, keys.arguments({"--metrics-listen", ":0"})};
  const auto url = text(json(tunnel.read_line()), "metrics_url");
  ASSERT_THAT(url, ContainsRegex("^http://\\[::\\]:[1-9][0-9]*/metrics$"));
  const auto port = url.substr(12, url.find("/metrics") - 12);
  EXPECT_THAT(http_get("127.0.0.1:" + port, "/metrics"), StartsWith("HTTP/1.1 200 "));
}

TEST(tunnel_program, the_path_metrics_is_free_when_metrics_live_elsewhere) {
  const keyset keys;
  process tunnel{program, keys.arguments({"--ws-path", "/metrics", "--metrics-listen", "127.0.0.1:0"})};
  const auto ready = json(tunnel.read_line());
  EXPECT_EQ(text(ready, "ws_path"), "/metrics");
  EXPECT_THAT(http_get(text(ready, "listen"), "/metrics"), StartsWith("HTTP/1.1 400 ")) << "no upgrade";
}

TEST(tunnel_program, the_largest_numbers_are_very_large_ones) {
  const keyset keys;
  process tunnel{program, keys.arguments({"--max-conns", "9223372036854775807", "--write-timeout", "2562047h",
                                          "--max-token-lifetime", "2562047h", "--max-init-horizon", "2562047h"})};
  const auto listen = text(json(tunnel.read_line()), "listen");
  EXPECT_THAT(http_get(listen, "/healthz"), EndsWith("\r\n\r\nok"));
}

TEST(tunnel_program, reloads_its_keyset_and_keeps_the_old_one_when_the_new_is_bad) {
  const keyset keys;
  process tunnel{program, keys.arguments()};
  ASSERT_TRUE(tunnel.read_line());
  tunnel.send_signal(SIGHUP);
  ASSERT_TRUE(tunnel.wait_for_err(" reloaded verifier keyset/config\n"));
  write_whole_file(keys.file, "{}");
  tunnel.send_signal(SIGHUP);
  ASSERT_TRUE(tunnel.wait_for_err(" reload keys failed: "));
  tunnel.send_signal(SIGTERM);
  EXPECT_EQ(tunnel.wait().exit_code, 0);
}

TEST(tunnel_program, prints_the_advertised_host) {
  const keyset keys;
  process tunnel{program, keys.arguments({"--advertise-host", " tunnel.example ", "--ws-path", "/t", "--pretty"})};
  std::string all;
  for (auto line = tunnel.read_line(); line; line = *line == "}" ? std::nullopt : tunnel.read_line())
    all += *line + '\n';
  EXPECT_THAT(all, StartsWith("{\n  \"version\": \"dev\",\n"));
  EXPECT_THAT(all, HasSubstr("\n  \"advertise_host\": \"tunnel.example\",\n"));
  EXPECT_THAT(all, ContainsRegex("\"ws_url\": \"ws://tunnel\\.example:[1-9][0-9]*/t\""));
}

TEST(tunnel_program, a_bad_advertised_host_is_a_usage_error) {
  const keyset keys;
  const auto result = run_program(program, keys.arguments({"--advertise-host", "a:b:c"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("invalid --advertise-host: a:b:c\nUsage:"));
}

TEST(tunnel_program, settings_come_from_the_environment_and_flags_win) {
  const keyset keys;
  process tunnel{program,
                 {"--ws-path=/flag"},
                 {{"FSEC_TUNNEL_ISSUER_KEYS_FILE", keys.file},
                  {"FSEC_TUNNEL_AUD", " my-aud "},
                  {"FSEC_TUNNEL_ISS", "my-iss"},
                  {"FSEC_TUNNEL_ALLOW_ORIGIN", "https://a.example, https://b.example"},
                  {"FSEC_TUNNEL_WS_PATH", "/environment"}}};
  EXPECT_EQ(text(json(tunnel.read_line()), "ws_path"), "/flag");
  tunnel.send_signal(SIGTERM);
  EXPECT_THAT(tunnel.wait().err, Not(HasSubstr("--allow-origin")));
}

struct refusal {
  process::words arguments;
  int exit_code;
  std::string message;
};

TEST(tunnel_program, refusals_have_their_exit_code_and_print_nothing_on_stdout) {
  const keyset keys;
  const auto bad_keys = keys.folder.file("bad.json");
  write_whole_file(bad_keys, R"({"keys":[]})");
  const auto missing = keys.folder.file("missing");
  const std::vector<refusal> rows{
      {{}, 2, "missing --issuer-keys-file, --aud, or --iss"},
      {{"--issuer-keys-file", keys.file}, 2, "missing --issuer-keys-file, --aud, or --iss"},
      {keys.arguments({"--listen", "0.0.0.0:0"}), 2, "missing --allow-origin"},
      {keys.arguments({"--tls-cert-file", "x"}), 2, "tls requires both --tls-cert-file and --tls-key-file"},
      {keys.arguments({"--max-conns", "-1"}), 2, "--max-conns must be >= 0"},
      {keys.arguments({"--max-conns", "many"}), 2, "invalid value \"many\" for flag -max-conns"},
      {keys.arguments({"--write-timeout", "10"}), 2, "invalid value \"10\" for flag -write-timeout"},
      {keys.arguments({"--ws-path", "ws"}), 2, "path must start with /"},
      {keys.arguments({"--ws-path", "/healthz"}), 2, "/healthz"},
      {keys.arguments({"--max-write-queue-bytes", "1048575"}), 2, "max write queue bytes must be >= max record bytes"},
      {keys.arguments({"--tenants-file", "t.json"}), 2, "cannot combine --tenants-file"},
      {keys.arguments({"--stats", "127.0.0.1:0"}), 2, "flag provided but not defined: -stats"},
      {{"--aud=a", "--issuer-keys-file", missing}, 1, missing},
      {{"--aud=a", "--issuer-keys-file", bad_keys}, 1, bad_keys},
      {{"--aud=a", "--issuer-keys-file", missing, "--ws-path=x"}, 2, "path must start with /"},
      {keys.arguments({"--tls-cert-file", missing, "--tls-key-file", missing}), 1, "cannot read " + missing},
      {keys.arguments({"--listen", "127.0.0.1:99999"}), 1, "127.0.0.1:99999"},
      {keys.arguments({"--metrics-listen", "nonsense"}), 1, "--metrics-listen nonsense"},
  };
  for (const auto& row : rows) {
    const auto result = run_program(program, row.arguments);
    EXPECT_EQ(result.exit_code, row.exit_code) << row.message << '\n' << result.err;
    EXPECT_THAT(result.err, HasSubstr(row.message));
    EXPECT_EQ(result.out, "") << row.message;
    EXPECT_EQ(result.err.find("Usage:") != std::string::npos, row.exit_code == 2) << row.message;
  }
}

TEST(tunnel_program, a_taken_port_is_a_runtime_error) {
  const keyset keys;
  process first{program, keys.arguments()};
  const auto listen = text(json(first.read_line()), "listen");
  const auto second = run_program(program, keys.arguments({"--listen", listen}));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("cannot listen on " + listen));
  EXPECT_EQ(second.out, "");
}

TEST(tunnel_program, help_and_version) {
  const auto help = run_program(program, {"-h"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_EQ(help.out, "");
  EXPECT_THAT(help.err, HasSubstr("Signals:\n"));
  const auto version = run_program(program, {"--version"});
  EXPECT_EQ(version.out, "dev\n");
  EXPECT_EQ(run_program(program, {"--help"}, {{"FSEC_TUNNEL_MAX_CONNS", "0x10"}}).exit_code, 2);
}

}  // namespace
}  // namespace flowersec::testing_support
