#include "tunneld/options.h"

#include <gmock/gmock.h>

#include "cli/config_file.h"
#include "cli/help.h"

namespace flowersec::apps {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

tunnel_command good() {
  tunnel_command command;
  command.issuer_keys_file = "keys.json";
  command.audience = "aud";
  command.allowed_origins = {"https://app.example"};
  return command;
}

struct problem_row {
  std::function<void(tunnel_command&)> spoil;
  std::string message;
};

class tunnel_usage : public testing::TestWithParam<problem_row> {};

TEST_P(tunnel_usage, names_what_makes_no_sense) {
  auto command = good();
  GetParam().spoil(command);
  const auto problem = usage_problem(command);
  ASSERT_TRUE(problem) << GetParam().message;
  EXPECT_THAT(*problem, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    table, tunnel_usage,
    testing::Values(
        problem_row{[](auto& c) { c.issuer_keys_file = ""; }, "missing --issuer-keys-file, --aud, or --iss"},
        problem_row{[](auto& c) { c.audience = ""; }, "missing --issuer-keys-file, --aud, or --iss"},
        problem_row{[](auto& c) { c.tls_cert_file = "c"; }, "tls requires both --tls-cert-file and --tls-key-file"},
        problem_row{[](auto& c) { c.tls_key_file = "k"; }, "tls requires both --tls-cert-file and --tls-key-file"},
        problem_row{[](auto& c) { c.max_conns = -1; }, "--max-conns must be >= 0"},
        problem_row{[](auto& c) { c.max_channels = -1; }, "--max-channels must be >= 0"},
        problem_row{[](auto& c) { c.max_token_lifetime = 0s; }, "--max-token-lifetime must be > 0"},
        problem_row{[](auto& c) { c.max_init_horizon = -1s; }, "--max-init-horizon must be > 0"},
        problem_row{[](auto& c) { c.max_replay_entries = 0; }, "--max-replay-entries must be > 0"},
        problem_row{[](auto& c) { c.max_tenant_queued_bytes = -1; }, "--max-tenant-queued-bytes must be >= 0"},
        problem_row{[](auto& c) { c.max_total_queued_bytes = -1; }, "--max-total-queued-bytes must be >= 0"},
        problem_row{[](auto& c) { c.write_timeout = -1ns; }, "--write-timeout must be >= 0"},
        problem_row{[](auto& c) { c.max_write_queue_bytes = -1; }, "--max-write-queue-bytes must be >= 0"},
        problem_row{[](auto& c) { c.max_write_queue_bytes = 1048575; },
                    "max write queue bytes must be >= max record bytes"},
        problem_row{[](auto& c) { c.threads = -1; }, "--threads must be between 0 and 1024"},
        problem_row{[](auto& c) { c.threads = 1025; }, "--threads must be between 0 and 1024"},
        problem_row{[](auto& c) {
                      c.allowed_origins = {};
                      c.listen = "0.0.0.0:80";
                    },
                    "missing --allow-origin"},
        problem_row{[](auto& c) {
                      c.allowed_origins = {" "};
                      c.allow_no_origin = true;
                      c.listen = "192.0.2.1:80";
                    },
                    "missing --allow-origin"},
        problem_row{[](auto& c) { c.policy_request_timeout = -1s; }, "--policy-request-timeout must be >= 0"},
        problem_row{[](auto& c) { c.policy_observe_interval = -1s; }, "--policy-observe-interval must be >= 0"},
        problem_row{[](auto& c) { c.policy_batch_size = -1; }, "--policy-batch-size must be >= 0"},
        problem_row{[](auto& c) { c.max_conns_per_ip = -1; }, "--max-conns-per-ip must be >= 0"},
        problem_row{[](auto& c) { c.attach_rate_per_ip = -1; }, "--attach-rate-per-ip must be >= 0"},
        problem_row{[](auto& c) { c.drain_timeout = -1ns; }, "--drain-timeout must be >= 0"},
        problem_row{[](auto& c) { c.observe_authorizer_url = "https://a.example/"; },
                    "--observe-authorizer-url requires --attach-authorizer-url"},
        problem_row{[](auto& c) { c.tenants_file = "t"; }, "cannot combine --tenants-file"},
        problem_row{[](auto& c) { c.log_format = "xml"; }, "--log-format must be text or json"},
        problem_row{[](auto& c) { c.log_format = "JSON"; }, "--log-format must be text or json"},
        problem_row{[](auto& c) { c.log_level = "warn"; }, "--log-level must be error, warning, info or debug"},
        problem_row{[](auto& c) { c.ws_path = "ws"; }, "path must start with /"},
        problem_row{[](auto& c) { c.ws_path = "/healthz"; }, "/healthz is taken"},
        problem_row{[](auto& c) { c.ws_path = "/readyz"; }, "/readyz is taken"},
        problem_row{[](auto& c) { c.ws_path = "/metrics"; }, "/metrics is taken"}));

TEST(tunnel_usage, edges_that_are_fine) {
  auto command = good();
  command.max_write_queue_bytes = 1048576;
  command.max_replay_entries = 1;
  command.threads = 1024;
  command.write_timeout = 0s;
  EXPECT_EQ(usage_problem(command), std::nullopt);
  command.ws_path = "/metrics";
  command.metrics_listen = "127.0.0.1:0";
  EXPECT_EQ(usage_problem(command), std::nullopt) << "free once metrics have a listener of their own";
}

TEST(tunnel_usage, reports_in_the_order_scripts_rely_on) {
  tunnel_command command;
  command.tls_cert_file = "c";
  command.max_conns = -1;
  command.ws_path = "x";
  EXPECT_THAT(*usage_problem(command), HasSubstr("missing --issuer-keys-file"));
  command.issuer_keys_file = command.audience = "x";
  EXPECT_THAT(*usage_problem(command), HasSubstr("tls requires both"));
  command.tls_key_file = "k";
  EXPECT_THAT(*usage_problem(command), HasSubstr("--max-conns"));
  command.max_conns = 0;
  command.listen = ":80";
  EXPECT_THAT(*usage_problem(command), HasSubstr("missing --allow-origin"));
  command.listen = "localhost:80";
  EXPECT_THAT(*usage_problem(command), HasSubstr("path must start with /"));
}

TEST(tunnel_usage, a_bad_tenants_file_has_its_place_in_the_order) {
  auto command = good();
  command.ws_path = "x";
  const auto bad = [] { return std::optional<std::string>{"bad tenants"}; };
  EXPECT_EQ(usage_problem(command, bad), "bad tenants");
  EXPECT_THAT(*usage_problem(command, [] { return std::nullopt; }), HasSubstr("path must start with /"));
  command.allowed_origins.clear();
  command.listen = ":80";
  EXPECT_THAT(*usage_problem(command, bad), HasSubstr("missing --allow-origin"));
}

TEST(loopback_listen, is_judged_by_its_text) {
  for (const auto* text : {"127.0.0.1:0", "127.255.0.9:8080", "localhost:1", "LocalHost:1", "[::1]:80"}) {
    EXPECT_TRUE(is_loopback_listen(text)) << text;
  }
  for (const auto* text : {"", ":80", "0.0.0.0:80", "128.0.0.1:80", "127.1:80", "[::]:80", "localhost.example:80",
                           "127.0.0.1.example:80", "[::ffff:127.0.0.1]:80"}) {
    EXPECT_FALSE(is_loopback_listen(text)) << text;
  }
}

TEST(server_options, without_origins_admit_loopback_ones_and_none) {
  auto command = good();
  command.allowed_origins.clear();
  const auto options = server_options_of(command);
  EXPECT_TRUE(options.origins.loopback_only);
}

TEST(server_options, with_origins_admit_only_those) {
  const auto options = server_options_of(good());
  EXPECT_FALSE(options.origins.loopback_only);
  EXPECT_FALSE(options.origins.allow_absent);
  EXPECT_THAT(options.origins.allowed, testing::ElementsAre("https://app.example"));
}

TEST(server_options, zero_means_default_or_off_as_documented) {
  auto command = good();
  command.max_tenant_queued_bytes = 0;
  command.write_timeout = 0s;
  const auto options = server_options_of(command);
  EXPECT_EQ(options.limits.max_connections, 12000u);
  EXPECT_EQ(options.limits.max_channels, 6000u);
  EXPECT_EQ(options.limits.replay_entries(), 48000u);
  EXPECT_EQ(options.limits.max_tenant_queued_bytes, std::nullopt);
  EXPECT_EQ(options.limits.max_total_queued_bytes, 268435456u);
  EXPECT_EQ(options.limits.write_timeout, std::nullopt);
  EXPECT_EQ(options.threads, std::nullopt);
  EXPECT_TRUE(options.metrics_on_main_listener);
}

TEST(server_options, a_tiny_time_does_not_become_none) {
  auto command = good();
  command.write_timeout = 1ns;
  EXPECT_EQ(server_options_of(command).limits.write_timeout, 1ms);
}

TEST(tunnel_help, has_the_fragments_that_scripts_look_for) {
  tunnel_command command;
  const auto help = help_text(describe_tunnel(command));
  for (const auto* fragment :
       {"Usage:", "Examples:", "Output:", "Exit codes:", "Signals:", "Env defaults:", "Flags:",
        "-max-token-lifetime duration", "-max-init-horizon duration", "-max-replay-entries int",
        "FSEC_TUNNEL_MAX_TOKEN_LIFETIME", "FSEC_TUNNEL_MAX_INIT_HORIZON", "FSEC_TUNNEL_MAX_REPLAY_ENTRIES",
        "issuer keyset file (kid->ed25519 pubkey) (required)", "expected token audience (required)"}) {
    EXPECT_THAT(help, HasSubstr(fragment));
  }
}

TEST(tunnel_help, explains_the_outcomes) {
  tunnel_command command;
  const auto help = help_text(describe_tunnel(command));
  for (const auto* fragment :
       {"--check-config found nothing wrong", "stats_url", "--drain-timeout", "A refused attach"})
    EXPECT_THAT(help, HasSubstr(fragment));
}

TEST(printed_config, leaves_secrets_out) {
  tunnel_command command;
  command.attach_authorizer_url = "https://auth.example/attach?key=hidden1";
  command.observe_authorizer_url = "https://auth.example/observe#hidden2";
  command.authorizer_headers = {"Authorization: Bearer hidden3", "hidden4"};
  const auto text = config_text(describe_tunnel(command));
  EXPECT_THAT(text, testing::Not(HasSubstr("hidden")));
  EXPECT_THAT(text, HasSubstr("\nattach-authorizer-url = https://auth.example/attach?***\n"));
  EXPECT_THAT(text, HasSubstr("\nauthorizer-header = Authorization: ***\nauthorizer-header = ***\n"));
}

TEST(printed_config, shows_defaults_where_zero_means_one) {
  tunnel_command command;
  command.fill_zeros();
  const auto text = config_text(describe_tunnel(command));
  for (const auto* line : {"\nmax-conns = 12000\n", "\nmax-channels = 6000\n", "\nmax-write-queue-bytes = 1048576\n",
                           "\npolicy-batch-size = 256\n", "\nmax-replay-entries =\n", "\nthreads = 0\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(printed_config, gives_the_same_values_when_it_is_read_back) {
  tunnel_command command;
  command.allowed_origins = {"https://a.example", "*.b.example"};
  command.max_replay_entries = 5;
  command.write_timeout = 1500ms;
  command.allow_no_origin = true;
  const auto text = config_text(describe_tunnel(command));
  tunnel_command again;
  EXPECT_THAT(apply_config(describe_tunnel(again).options, "f", text, {}), testing::IsEmpty());
  EXPECT_EQ(config_text(describe_tunnel(again)), text);
  EXPECT_THAT(again.allowed_origins, testing::ElementsAre("https://a.example", "*.b.example"));
}

}  // namespace
}  // namespace flowersec::apps
