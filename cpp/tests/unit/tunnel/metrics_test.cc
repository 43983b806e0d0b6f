// The text for Prometheus: which families are there, in which order, and when they count.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> families(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) names.push_back(line.substr(7, line.find(' ', 7) - 7));
  }
  return names;
}

TEST(metrics, fresh_set_shows_unlabelled_families_only) {
  tunnel_world world;
  EXPECT_THAT(
      families(world.metrics()),
      ElementsAre("flowersec_tunnel_channels", "flowersec_tunnel_connections", "flowersec_tunnel_encrypted_total",
                  "flowersec_tunnel_pair_latency_seconds", "flowersec_tunnel_queued_bytes"));
  EXPECT_THAT(world.metrics(), HasSubstr("# HELP flowersec_tunnel_channels "));
}

TEST(metrics, families_are_sorted_once_all_have_samples) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  c.binary("x");
  auto again = world.attach("room", 1);
  world.shared->counts.exhausted("aud|iss", tunnel::budget_limit::total_queued_bytes);
  const auto names = families(world.metrics());
  EXPECT_EQ(names.size(), 10u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST(metrics, families_of_the_program_are_sorted_in_among_the_tunnel_s) {
  tunnel_world world;
  const auto text = world.shared->counts.text(
      {}, {{.name = "flowersec_tunnel_build_info", .help = "Build.", .value = 1, .labels = {{"version", "a\"b"}}},
           {.name = "process_cpu_seconds_total",
            .help = "CPU.",
            .type = tunnel::extra_metric::kind::counter,
            .value = 1.5}});
  ASSERT_TRUE(text);
  EXPECT_THAT(families(*text),
              ElementsAre("flowersec_tunnel_build_info", "flowersec_tunnel_channels", "flowersec_tunnel_connections",
                          "flowersec_tunnel_encrypted_total", "flowersec_tunnel_pair_latency_seconds",
                          "flowersec_tunnel_queued_bytes", "process_cpu_seconds_total"));
  EXPECT_THAT(*text, HasSubstr("\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n"));
  EXPECT_THAT(*text, HasSubstr("flowersec_tunnel_build_info{version=\"a\\\"b\"} 1\n"));
}

TEST(metrics, latency_buckets_are_the_documented_ones) {
  tunnel_world world;
  std::string bounds;
  std::istringstream lines{world.metrics()};
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find("_bucket{le=\"");
    if (at != std::string::npos) bounds += line.substr(at + 12, line.find('"', at + 12) - at - 12) + ' ';
  }
  EXPECT_EQ(bounds, "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf ");
}

TEST(metrics, gauges_show_the_present_after_enabling_and_counters_start_at_zero) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  world.shared->counts.disable();
  EXPECT_EQ(world.shared->counts.text({}), std::nullopt);
  auto s = world.attach("room", 2);
  world.shared->counts.enable();
  EXPECT_EQ(world.metric("flowersec_tunnel_connections"), 2);
  EXPECT_EQ(world.metric("flowersec_tunnel_channels"), 1);
  EXPECT_EQ(world.attach_count("ok"), 0);
  EXPECT_THAT(world.metrics(), Not(HasSubstr("attach_total")));
}

TEST(metrics, enabling_twice_keeps_what_was_counted) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  world.shared->counts.enable();
  EXPECT_EQ(world.attach_count("ok"), 1);
}

TEST(metrics, tenant_label_joins_audience_and_issuer_with_a_bar) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  EXPECT_THAT(world.metrics(), Not(HasSubstr("tenant_queued_bytes")));
  c.binary("12345");
  EXPECT_EQ(world.metric("flowersec_tunnel_tenant_queued_bytes{tenant=\"aud|iss\"}"), 5);
  EXPECT_EQ(world.metric("flowersec_tunnel_queued_bytes"), 5);
  c.end();
  EXPECT_THAT(world.metrics(), HasSubstr("flowersec_tunnel_tenant_queued_bytes{tenant=\"aud|iss\"} 0"));
}

TEST(reasons, every_attach_refusal_has_its_code_and_spelling) {
  using tunnel::attach_reason;
  struct row {
    attach_reason reason;
    std::uint16_t code;
    const char* text;
  };
  for (const auto& r : {row{attach_reason::too_many_connections, 1013, "too_many_connections"},
                        row{attach_reason::timeout, 1008, "timeout"}, row{attach_reason::canceled, 1001, "canceled"},
                        row{attach_reason::expected_attach, 1002, "expected_attach"},
                        row{attach_reason::invalid_attach, 1002, "invalid_attach"},
                        row{attach_reason::invalid_token, 1008, "invalid_token"},
                        row{attach_reason::channel_mismatch, 1008, "channel_mismatch"},
                        row{attach_reason::role_mismatch, 1008, "role_mismatch"},
                        row{attach_reason::policy_error, 1008, "policy_error"},
                        row{attach_reason::policy_denied, 1008, "policy_denied"},
                        row{attach_reason::token_replay, 1008, "token_replay"},
                        row{attach_reason::init_exp_mismatch, 1008, "init_exp_mismatch"},
                        row{attach_reason::idle_timeout_mismatch, 1008, "idle_timeout_mismatch"},
                        row{attach_reason::tenant_mismatch, 1008, "tenant_mismatch"},
                        row{attach_reason::replace_rate_limited, 1013, "replace_rate_limited"},
                        row{attach_reason::attach_failed, 1011, "attach_failed"}}) {
    EXPECT_EQ(to_text(r.reason), r.text);
    EXPECT_EQ(close_code(r.reason), r.code) << r.text;
  }
  EXPECT_EQ(to_text(attach_reason::ok), "ok");
  EXPECT_EQ(to_text(attach_reason::upgrade_error), "upgrade_error");
}

TEST(reasons, every_ending_has_its_spelling) {
  std::string all;
  for (std::size_t i = 0; i < tunnel::close_reason_count; ++i) {
    all += std::string{to_text(static_cast<tunnel::close_reason>(i))} + ' ';
  }
  EXPECT_EQ(all,
            "peer_closed non_binary_frame record_too_large unknown_channel missing_src pending_overflow write_error "
            "init_expired idle_timeout policy_denied policy_lease_expired resource_exhausted ");
}

}  // namespace
}  // namespace flowersec::testing
