// The log of a real tunnel: what refused peers leave in it, and what they never do.
#include <gmock/gmock.h>

#include <csignal>

#include "tunnel_flag_cases.h"

namespace flowersec::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

settings with(const flag_world& world, const settings& more) {
  auto flags = world.usual();
  for (const auto& [name, value] : more) flags[name] = value;
  return flags;
}

std::string stopped(flag_run& run) {
  run.process.send_signal(SIGTERM);
  return run.process.wait().err;
}

std::size_t occurrences(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(tunnel_log, a_refused_attach_has_its_reason_and_its_peer_but_not_its_token) {
  flag_world world;
  flag_run run{world, world.usual(), {}};
  auto payload = world.mint.draft("room", 1);
  payload.aud = "not-ours";
  const auto attach = world.mint.attach_text(payload);
  auto client = tunnel_client::attached(run.listen(), attach);
  EXPECT_EQ(heard(client), "invalid_token");
  ASSERT_TRUE(run.process.wait_for_err("invalid_token"));
  const auto log = stopped(run);
  EXPECT_THAT(log, ContainsRegex("[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} attach refused "
                                 "reason=invalid_token peer=127\\.0\\.0\\.1:[0-9]+\n"));
  EXPECT_THAT(log, Not(HasSubstr("FST2")));
  EXPECT_THAT(log, Not(HasSubstr("not-ours"))) << "a tenant counts once its token is believed";
}

TEST(tunnel_log, a_believed_token_tells_the_tenant) {
  flag_world world;
  flag_run run{world, world.usual(), {}};
  const auto token = world.mint.draft("room", 1);
  for (const auto* reason : {"channel_mismatch", "role_mismatch"}) {
    const bool other_channel = std::string_view{reason}.starts_with("channel");
    auto client = tunnel_client::attached(
        run.listen(),
        token_mint::attach_text(other_channel ? "elsewhere" : "room", other_channel ? 1 : 2, world.mint.sign(token)));
    EXPECT_EQ(heard(client), reason);
  }
  auto first = run.meet("room");
  EXPECT_EQ(heard(first.first), "greeting");
  auto longer = world.mint.draft("room", 1);
  ++longer.init_exp;
  auto late = tunnel_client::attached(run.listen(), world.mint.attach_text(longer));
  EXPECT_EQ(heard(late), "init_exp_mismatch");
  for (const auto* reason : {"channel_mismatch", "role_mismatch", "init_exp_mismatch"}) {
    ASSERT_TRUE(run.process.wait_for_err(reason));
    EXPECT_THAT(run.process.err_so_far(),
                ContainsRegex("attach refused reason=" + std::string{reason} + " peer=[^ ]+ tenant=aud\\|iss\n"));
  }
}

TEST(tunnel_log, an_upgrade_with_a_secret_in_its_query_leaves_no_trace_of_it) {
  flag_world world;
  flag_run run{world, with(world, {{"log-level", "debug"}}), {}};
  EXPECT_EQ(run.upgrade("https://evil.example", "/ws?token=secret"), "403");
  ASSERT_TRUE(run.process.wait_for_err("reason=upgrade_error peer=127.0.0.1:"));
  EXPECT_THAT(stopped(run), Not(HasSubstr("secret")));
}

TEST(tunnel_log, debug_begins_with_the_settings_and_without_their_secrets) {
  flag_world world;
  flag_run run{world,
               with(world, {{"log-level", "debug"},
                            {"attach-authorizer-url", "http://127.0.0.1:9/?key=secret"},
                            {"authorizer-header", "Authorization: secret"}}),
               {}};
  const auto log = stopped(run);
  EXPECT_THAT(log, HasSubstr(" debug: aud = aud\n"));
  EXPECT_THAT(log, HasSubstr(" debug: authorizer-header = Authorization: ***\n"));
  EXPECT_THAT(log, Not(HasSubstr("secret")));
}

TEST(tunnel_log, json_has_one_object_a_line) {
  flag_world world;
  flag_run run{world, with(world, {{"log-format", "json"}, {"iss", "*"}, {"log-level", "info"}}), {}};
  EXPECT_EQ(run.upgrade("https://evil.example"), "403");
  ASSERT_TRUE(run.process.wait_for_err("upgrade_error"));
  const auto log = stopped(run);
  std::istringstream lines{log};
  int refused = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto object = parse_json_object(line, 4096);
    ASSERT_TRUE(object) << line;
    EXPECT_THAT(std::string{object->at("time").as_string()},
                ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z$"));
    if (object->at("message") != "attach refused") continue;
    ++refused;
    EXPECT_EQ(object->at("level"), "info");
    EXPECT_EQ(object->at("reason"), "upgrade_error");
    EXPECT_THAT(std::string{object->at("peer").as_string()}, ContainsRegex("^127\\.0\\.0\\.1:[0-9]+$"));
    EXPECT_FALSE(object->contains("tenant"));
  }
  EXPECT_EQ(refused, 1);
}

TEST(tunnel_log, in_a_flood_every_refusal_is_a_line_or_counted) {
  flag_world world;
  flag_run run{world, world.usual(), {}};
  const std::string summary = "attach refused: more of them in the last second count=";
  std::size_t refused = 0;
  while (!run.process.wait_for_err(summary, std::chrono::milliseconds{0})) {
    for (int i = 0; i < 50; ++i, ++refused) ASSERT_EQ(run.upgrade("https://evil.example"), "403");
  }
  const auto log = stopped(run);
  std::size_t counted = 0;
  for (auto at = log.find(summary); at != log.npos; at = log.find(summary, at + 1)) {
    counted += std::stoul(log.substr(at + summary.size()));
  }
  EXPECT_GT(counted, 0u);
  EXPECT_EQ(occurrences(log, "attach refused reason=upgrade_error") + counted, refused);
}

TEST(tunnel_log, above_info_refusals_are_silent) {
  flag_world world;
  flag_run run{world, with(world, {{"log-level", "warning"}}), {}};
  auto client = tunnel_client::attached(run.listen(), "no attach message");
  EXPECT_EQ(heard(client), "invalid_attach");
  const auto log = stopped(run);
  EXPECT_THAT(log, Not(HasSubstr("attach refused")));
}

}  // namespace
}  // namespace flowersec::testing
