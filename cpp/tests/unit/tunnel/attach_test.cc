// Every way into the tunnel and every way it says no, in the order that is visible from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/tunnel_world.h"

namespace flowersec::testing {
namespace {

using payload = token_mint::payload;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The close frame a refused client reads, and that the connection ends behind it.
void expect_refused(tunnel_world::client& c, std::uint16_t code, std::string_view reason) {
  const auto frames = c.frames();
  ASSERT_EQ(frames.size(), 1u) << reason;
  EXPECT_EQ(frames[0].op, op_close);
  EXPECT_EQ(frames[0].close_code(), code);
  EXPECT_EQ(frames[0].close_reason(), reason);
  EXPECT_TRUE(c.saw_end());
}

TEST(attach, success_is_silent) {
  tunnel_world world;
  auto c = world.attach("room", 1);
  EXPECT_THAT(c.frames(), IsEmpty());
  EXPECT_FALSE(c.saw_end());
  EXPECT_EQ(world.attach_count("ok"), 1);
  EXPECT_EQ(world.core->channel_count(), 1u);
}

struct token_row {
  const char* name;
  std::function<void(payload&, std::int64_t now)> change;
  bool accepted;
};

class token_rules : public ::testing::TestWithParam<token_row> {};

TEST_P(token_rules, decide) {
  tunnel_world world;
  auto p = world.mint.draft("room", 1);
  GetParam().change(p, world.mint.now);
  auto c = world.attach(p);
  if (GetParam().accepted) {
    EXPECT_EQ(world.attach_count("ok"), 1);
  } else {
    expect_refused(c, 1008, "invalid_token");
    EXPECT_EQ(world.attach_count("invalid_token"), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    attach, token_rules,
    ::testing::Values(
        token_row{"lifetime_at_the_limit", [](payload& p, auto now) { p.iat = now - 20, p.exp = now + 100; }, true},
        token_row{"lifetime_one_over", [](payload& p, auto now) { p.iat = now - 21, p.exp = now + 100; }, false},
        token_row{"expired_within_the_skew", [](payload& p, auto now) { p.iat = now - 60, p.exp = now - 30; }, true},
        token_row{"expired_beyond_the_skew", [](payload& p, auto now) { p.iat = now - 60, p.exp = now - 31; }, false},
        token_row{"issued_ahead_within_the_skew", [](payload& p, auto now) { p.iat = now + 30; }, true},
        token_row{"issued_ahead_beyond_the_skew", [](payload& p, auto now) { p.iat = now + 31; }, false},
        token_row{"init_window_at_the_horizon", [](payload& p, auto now) { p.init_exp = now + 150; }, true},
        token_row{"init_window_past_the_horizon", [](payload& p, auto now) { p.init_exp = now + 151; }, false},
        token_row{"wrong_audience", [](payload& p, auto) { p.aud = "another"; }, false},
        token_row{"audience_with_white_space", [](payload& p, auto) { p.aud = "aud "; }, false},
        token_row{"wrong_issuer", [](payload& p, auto) { p.iss = "another"; }, false},
        token_row{"no_issuer", [](payload& p, auto) { p.iss.reset(); }, false},
        token_row{"unknown_key_id", [](payload& p, auto) { p.kid = "k2"; }, false}),
    [](const auto& row) { return row.param.name; });

TEST(attach, the_longest_limits_are_very_long_ones) {
  tunnel::tunnel_limits limits;
  limits.max_token_lifetime = limits.max_init_horizon = limits.attach_timeout = std::chrono::milliseconds::max();
  tunnel_world world{limits};
  auto p = world.mint.draft("room", 1);
  p.iat = world.mint.now - 1000000;
  p.exp = p.init_exp = world.mint.now + 1000000;
  auto c = world.connect();
  world.pass(std::chrono::seconds{20});
  c.text(world.mint.attach_text(p));
  EXPECT_EQ(world.attach_count("ok"), 1);
}

struct message_row {
  const char* name;
  std::function<byte_buffer(tunnel_world&)> bytes;
  std::uint16_t code;
  const char* reason;
  const char* counted;
};

class first_message : public ::testing::TestWithParam<message_row> {};

TEST_P(first_message, is_refused) {
  tunnel_world world;
  auto c = world.connect();
  c.send(GetParam().bytes(world));
  expect_refused(c, GetParam().code, GetParam().reason);
  EXPECT_EQ(world.attach_count(GetParam().counted), 1);
  EXPECT_EQ(world.core->channel_count(), 0u);
  EXPECT_EQ(world.shared->connections.value(), 0u);
}

byte_buffer text_frame(std::string_view text) { return client_frame(op_text, text); }

INSTANTIATE_TEST_SUITE_P(
    attach, first_message,
    ::testing::Values(
        message_row{"binary", [](auto&) { return client_frame(op_binary, "{}"); }, 1002, "expected_attach",
                    "expected_attach"},
        message_row{"not_json", [](auto&) { return text_frame("hello"); }, 1002, "invalid_attach", "invalid_attach"},
        message_row{"json_null", [](auto&) { return text_frame("null"); }, 1002, "invalid_attach", "invalid_attach"},
        message_row{"trailing_data", [](auto& w) { return text_frame(w.mint.attach_text("room", 1) + "{}"); }, 1002,
                    "invalid_attach", "invalid_attach"},
        message_row{"version_2",
                    [](auto& w) {
                      auto text = w.mint.attach_text("room", 1);
                      return text_frame(text.replace(text.find("\"v\":1"), 5, "\"v\":2"));
                    },
                    1002, "invalid_attach", "invalid_attach"},
        message_row{"role_3",
                    [](auto& w) {
                      auto text = w.mint.attach_text("room", 1);
                      return text_frame(text.replace(text.find("\"role\":1"), 8, "\"role\":3"));
                    },
                    1002, "invalid_attach", "invalid_attach"},
        message_row{"foreign_signature",
                    [](auto& w) {
                      auto token = w.mint.sign(w.mint.draft("room", 1));
                      token[token.size() - 10] = token[token.size() - 10] == 'A' ? 'B' : 'A';
                      return text_frame(token_mint::attach_text("room", 1, token));
                    },
                    1008, "invalid_token", "invalid_token"},
        message_row{"older_token_format",
                    [](auto& w) {
                      auto token = w.mint.sign(w.mint.draft("room", 1));
                      return text_frame(token_mint::attach_text("room", 1, token.replace(0, 4, "FST1")));
                    },
                    1008, "invalid_token", "invalid_token"},
        message_row{"another_channel",
                    [](auto& w) {
                      return text_frame(token_mint::attach_text("other", 1, w.mint.sign(w.mint.draft("room", 1))));
                    },
                    1008, "channel_mismatch", "channel_mismatch"},
        message_row{"another_role",
                    [](auto& w) {
                      return text_frame(token_mint::attach_text("room", 2, w.mint.sign(w.mint.draft("room", 1))));
                    },
                    1008, "role_mismatch", "role_mismatch"},
        message_row{"another_channel_and_role",
                    [](auto& w) {
                      return text_frame(token_mint::attach_text("other", 2, w.mint.sign(w.mint.draft("room", 1))));
                    },
                    1008, "channel_mismatch", "channel_mismatch"},
        message_row{"one_byte_too_long", [](auto&) { return client_frame_header(op_text, 8193); }, 1009, "",
                    "expected_attach"},
        message_row{"binary_and_too_long", [](auto&) { return client_frame_header(op_binary, 8193); }, 1009, "",
                    "expected_attach"},
        message_row{"close_frame", [](auto&) { return client_close(4000, "bye"); }, 4000, "", "expected_attach"}),
    [](const auto& row) { return row.param.name; });

TEST(attach, a_message_of_the_limit_passes) {
  tunnel_world world;
  auto text = world.mint.attach_text("room", 1);
  text.resize(8192, ' ');
  auto c = world.connect();
  c.text(text);
  EXPECT_EQ(world.attach_count("ok"), 1);
  EXPECT_FALSE(c.saw_end());
}

TEST(attach, arrives_in_single_bytes) {
  tunnel_world world;
  auto c = world.connect();
  for (const auto byte : client_frame(op_text, world.mint.attach_text("room", 1))) c.send(byte_view{&byte, 1});
  EXPECT_EQ(world.attach_count("ok"), 1);
}

TEST(attach, arrives_in_fragments_with_a_ping_between) {
  tunnel_world world;
  const auto text = world.mint.attach_text("room", 1);
  auto c = world.connect();
  c.send(client_frame(op_text, text.substr(0, 50), false));
  c.send(client_frame(op_ping, "hi"));
  c.send(client_frame(op_continuation, text.substr(50)));
  EXPECT_EQ(world.attach_count("ok"), 1);
  const auto frames = c.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].op, op_pong);
  EXPECT_EQ(as_text(frames[0].payload), "hi");
}

TEST(attach, unmasked_frame_is_a_protocol_error) {
  tunnel_world world;
  auto c = world.connect();
  c.send(to_buffer(as_bytes("\x81\x02{}")));
  const auto frames = c.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1002);
  EXPECT_EQ(world.attach_count("expected_attach"), 1);
}

TEST(attach, pings_do_not_extend_the_time) {
  tunnel_world world;
  auto c = world.connect();
  world.pass(std::chrono::milliseconds{9900});
  c.send(client_frame(op_ping, ""));
  EXPECT_FALSE(c.saw_end());
  world.pass(std::chrono::milliseconds{200});
  (void)c;
  const auto frames = c.frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].close_code(), 1008);
  EXPECT_EQ(frames[1].close_reason(), "timeout");
  EXPECT_EQ(world.attach_count("timeout"), 1);
}

TEST(attach, an_incomplete_message_runs_into_the_time_limit) {
  tunnel_world world;
  auto c = world.connect();
  c.send(client_frame_header(op_text, 100));
  world.pass(std::chrono::milliseconds{10100});
  expect_refused(c, 1008, "timeout");
}

TEST(attach, disconnect_before_the_message_counts) {
  tunnel_world world;
  auto c = world.connect();
  c.end();
  EXPECT_EQ(world.attach_count("expected_attach"), 1);
  EXPECT_TRUE(c.closed());
  EXPECT_EQ(world.shared->connections.value(), 0u);
}

TEST(attach, one_connection_over_the_limit_is_told_before_it_speaks) {
  tunnel::tunnel_limits limits;
  limits.max_connections = 2;
  tunnel_world world{limits};
  auto a = world.connect();
  auto b = world.connect();
  auto c = world.connect();
  expect_refused(c, 1013, "too_many_connections");
  a.end();
  auto d = world.attach("room", 1);
  EXPECT_EQ(world.attach_count("ok"), 1);
  EXPECT_EQ(world.shared->connections.value(), 2u);
}

TEST(attach, one_channel_over_the_limit_is_refused_but_pairing_is_not) {
  tunnel::tunnel_limits limits;
  limits.max_channels = 1;
  tunnel_world world{limits};
  auto a = world.attach("one", 1);
  auto b = world.attach("two", 1);
  expect_refused(b, 1013, "too_many_connections");
  auto c = world.attach("one", 2);
  EXPECT_EQ(world.attach_count("ok"), 2);
}

TEST(attach, second_token_must_agree_on_the_channel) {
  tunnel_world world;
  auto first = world.attach("room", 1);
  auto p = world.mint.draft("room", 2);
  p.init_exp += 1;
  p.idle_timeout_seconds += 1;
  auto both = world.attach(p);
  expect_refused(both, 1008, "init_exp_mismatch");
  auto q = world.mint.draft("room", 2);
  q.idle_timeout_seconds += 1;
  auto idle = world.attach(q);
  expect_refused(idle, 1008, "idle_timeout_mismatch");
  EXPECT_FALSE(first.saw_end());
}

TEST(attach, a_used_token_is_refused) {
  tunnel_world world;
  const auto p = world.mint.draft("room", 1);
  auto a = world.attach(p);
  auto b = world.attach(p);
  expect_refused(b, 1008, "token_replay");
  EXPECT_FALSE(a.saw_end());
}

TEST(interop_traps, trap_22_a_token_is_spent_even_when_a_later_check_fails) {
  tunnel_world world;
  auto first = world.attach("room", 1);
  auto p = world.mint.draft("room", 2);
  p.init_exp += 1;
  auto refused = world.attach(p);
  expect_refused(refused, 1008, "init_exp_mismatch");
  auto again = world.attach(p);
  expect_refused(again, 1008, "token_replay");
}

TEST(attach, a_full_replay_store_refuses) {
  tunnel::tunnel_limits limits;
  limits.max_replay_entries = 1;
  tunnel_world world{limits};
  auto a = world.attach("one", 1);
  auto b = world.attach("two", 1);
  expect_refused(b, 1008, "token_replay");
}

/// Notes by when it has to answer.
class asked_replay_store final : public tunnel::replay_store {
 public:
  void try_use(tunnel::replay_query /*query*/, wall_time /*wall_now*/, mono_time now, mono_time deadline,
               std::function<void(tunnel::replay_answer)> answer) override {
    patience = deadline - now;
    answer(tunnel::replay_answer::unavailable);
  }
  void expire(wall_time /*wall_now*/, mono_time /*now*/) override {}
  mono_time::duration patience{};
};

TEST(attach, a_replay_store_has_three_seconds_and_fails_closed) {
  const auto replay = std::make_shared<asked_replay_store>();
  tunnel_world world{{}, nullptr, nullptr, replay};
  auto c = world.attach("room", 1);
  EXPECT_EQ(replay->patience, std::chrono::seconds{3});
  expect_refused(c, 1008, "token_replay");
}

TEST(attach, a_message_right_behind_the_attach_is_kept) {
  tunnel_world world;
  auto c = world.connect();
  auto bytes = client_frame(op_text, world.mint.attach_text("room", 1));
  append(bytes, client_frame(op_binary, "first"));
  append(bytes, client_frame(op_binary, "second"));
  c.send(bytes);
  auto s = world.attach("room", 2);
  EXPECT_THAT(s.messages(), ElementsAre("first", "second"));
}

/// Answers when the test says so.
class slow_policy final : public tunnel::attach_policy {
 public:
  void decide(tunnel::attach_query query, std::stop_token given_up,
              std::function<void(std::optional<tunnel::attach_decision>)> answer) override {
    last = std::move(query);
    abandoned = std::move(given_up);
    answers.push_back(std::move(answer));
  }
  tunnel::attach_query last;
  std::stop_token abandoned;
  std::vector<std::function<void(std::optional<tunnel::attach_decision>)>> answers;
};

TEST(attach, policy_is_asked_before_the_token_is_spent) {
  auto policy = std::make_shared<slow_policy>();
  tunnel_world world{{}, policy};
  const auto p = world.mint.draft("room", 1);
  auto a = world.attach(p);
  ASSERT_EQ(policy->answers.size(), 1u);
  EXPECT_EQ(policy->last.origin, "https://app.example");
  EXPECT_EQ(policy->last.remote_addr, "192.0.2.1:4711");
  EXPECT_EQ(policy->last.token.channel_id, "room");
  policy->answers[0](tunnel::attach_decision{.allowed = false, .lease_expires = {}});
  world.run();
  expect_refused(a, 1008, "policy_denied");

  auto b = world.attach(p);
  policy->answers[1](std::nullopt);
  world.run();
  expect_refused(b, 1008, "policy_error");

  auto c = world.attach(p);
  c.binary("early");
  policy->answers[2](tunnel::attach_decision{.allowed = true, .lease_expires = {}});
  world.run();
  EXPECT_EQ(world.attach_count("ok"), 1);
  auto s = world.attach("room", 2);
  policy->answers[3](tunnel::attach_decision{.allowed = true, .lease_expires = {}});
  world.run();
  EXPECT_THAT(s.messages(), ElementsAre("early"));
}

TEST(attach, leaving_while_the_policy_thinks_is_a_policy_error) {
  auto policy = std::make_shared<slow_policy>();
  tunnel_world world{{}, policy};
  auto c = world.attach("room", 1);
  EXPECT_FALSE(policy->abandoned.stop_requested());
  c.end();
  EXPECT_TRUE(policy->abandoned.stop_requested());
  EXPECT_EQ(world.attach_count("policy_error"), 1);
  policy->answers[0](tunnel::attach_decision{.allowed = true, .lease_expires = {}});
  world.run();
  EXPECT_EQ(world.attach_count("ok"), 0);
}

TEST(attach, a_goodbye_while_the_policy_thinks_is_echoed_and_is_a_policy_error) {
  auto policy = std::make_shared<slow_policy>();
  tunnel_world world{{}, policy};
  auto c = world.attach("room", 1);
  const auto goodbye = client_close(4001, "never mind");
  c.binary("early").send(byte_view{goodbye}.first(7));
  EXPECT_FALSE(policy->abandoned.stop_requested()) << "not all of it is here";
  c.send(byte_view{goodbye}.subspan(7));
  EXPECT_TRUE(policy->abandoned.stop_requested());
  const auto frames = c.frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].op, op_close);
  EXPECT_EQ(frames[0].close_code(), 4001);
  EXPECT_EQ(frames[0].close_reason(), "");
  EXPECT_EQ(world.attach_count("policy_error"), 1);
}

TEST(attach, leaving_is_noticed_while_no_more_is_read) {
  auto policy = std::make_shared<slow_policy>();
  tunnel_world world{{}, policy};
  auto c = world.attach("room", 1);
  auto much = client_frame(op_binary, pattern(65536 - 8));
  ASSERT_EQ(much.size(), 65536u) << "exactly what is kept";
  c.send(much);
  EXPECT_FALSE(policy->abandoned.stop_requested());
  c.end();
  EXPECT_TRUE(policy->abandoned.stop_requested());
}

TEST(attach, no_more_than_64_kib_are_read_while_the_policy_thinks) {
  for (const std::size_t extra : {0u, 1u}) {
    auto policy = std::make_shared<slow_policy>();
    tunnel_world world{{}, policy};
    auto c = world.attach("room", 1);
    c.binary(pattern(65536 - 8));
    c.send(byte_view{client_frame(op_binary, "more")}.first(extra));
    EXPECT_EQ(c.raw().to_tunnel.size(), extra) << "the rest stays with its sender";
    policy->answers[0](tunnel::attach_decision{.allowed = true, .lease_expires = {}});
    world.run();
    EXPECT_TRUE(c.raw().to_tunnel.empty());
  }
}

TEST(attach, a_text_message_kept_while_the_policy_thinks_ends_the_channel_after_the_attach) {
  auto policy = std::make_shared<slow_policy>();
  tunnel_world world{{}, policy};
  auto c = world.attach("room", 1);
  c.text("too late for words");
  policy->answers[0](tunnel::attach_decision{.allowed = true, .lease_expires = {}});
  world.run();
  EXPECT_EQ(world.attach_count("ok"), 1);
  EXPECT_EQ(world.closed_count("non_binary_frame"), 1);
  EXPECT_TRUE(c.saw_end());
}

TEST(attach, a_refused_client_may_have_sent_more_without_being_reset) {
  tunnel_world world;
  auto c = world.connect();
  auto bytes = client_frame(op_text, "no json");
  append(bytes, client_frame(op_binary, pattern(300000)));
  c.send(bytes);
  expect_refused(c, 1002, "invalid_attach");
  c.end();
  EXPECT_TRUE(c.closed());
  EXPECT_FALSE(c.raw().closed_with_unread_input);
}

TEST(attach, a_refused_client_that_lingers_is_closed_after_a_while) {
  tunnel_world world;
  auto c = world.connect();
  c.text("no json");
  world.pass(std::chrono::milliseconds{1900});
  EXPECT_FALSE(c.closed());
  world.pass(std::chrono::milliseconds{200});
  EXPECT_TRUE(c.closed());
}

TEST(attach, same_channel_id_under_two_issuers_is_two_channels) {
  tunnel_world world;
  world.shared->set_verifier(world.mint.open_verifier());
  auto p = world.mint.draft("room", 1);
  auto q = world.mint.draft("room", 2);
  q.iss = "another";
  q.token_id = p.token_id;
  auto a = world.attach(p);
  auto b = world.attach(q);
  EXPECT_EQ(world.attach_count("ok"), 2);
  EXPECT_EQ(world.core->channel_count(), 2u);
  a.binary("hello");
  EXPECT_THAT(b.frames(), IsEmpty());
  EXPECT_EQ(world.metric("flowersec_tunnel_tenant_queued_bytes{tenant=\"aud|*\"}"), 5);
}

}  // namespace
}  // namespace flowersec::testing
