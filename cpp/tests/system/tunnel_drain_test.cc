// --drain-timeout: the slow way down of flowersec-tunnel.
#include "support/standstill.h"
#include "tunnel_program.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using steady = std::chrono::steady_clock;
using testing_support::http_get;

void expect_going_away(tunnel_client& c) {
  const auto frame = c.frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->op, op_close);
  EXPECT_EQ(frame->close_code(), 1001);
  EXPECT_EQ(frame->close_reason(), "draining");
  EXPECT_TRUE(c.ended());
}

TEST(drain, sends_new_work_away_and_lets_pairs_finish) {
  tunnel_program tunnel{{"--drain-timeout", "10m"}};
  attached_pair pair{tunnel, "paired"};
  auto alone = tunnel.attach("alone", 2);
  auto unattached = tunnel.connect();
  EXPECT_THAT(http_get(tunnel.address(), "/healthz"), EndsWith("\r\n\r\nok"));
  tunnel.process.send_signal(SIGTERM);
  expect_going_away(alone);
  expect_going_away(unattached);
  for (const auto* path : {"/healthz", "/readyz"}) {
    const auto answer = http_get(tunnel.address(), path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n")) << path;
  }
  EXPECT_THAT(http_get(tunnel.address(), "/healthz"), EndsWith("\r\n\r\ndraining\n"));
  EXPECT_THAT(http_get(tunnel.address(), "/readyz"), HasSubstr("{\"ready\":false,"));
  try {
    (void)tunnel.connect();
    ADD_FAILURE() << "an upgrade while draining";
  } catch (const std::runtime_error& refused) {
    EXPECT_THAT(refused.what(), StartsWith("HTTP/1.1 503 "));
  }
  pair.echo("undisturbed");
  pair.client.close();
  EXPECT_TRUE(pair.server.ended());
  pair.server.close();
  const auto end = tunnel.process.wait();
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_THAT(end.err, HasSubstr(" draining: "));
  EXPECT_THAT(end.err, HasSubstr(" attach refused reason=draining peer=")) << "the word of the close frame";
}

TEST(drain, ends_at_once_when_nobody_is_there) {
  tunnel_program tunnel{{"--drain-timeout", "10m"}};
  tunnel.process.send_signal(SIGINT);
  EXPECT_EQ(tunnel.process.wait().exit_code, 0);
}

TEST(drain, a_second_signal_ends_it) {
  for (const int second : {SIGTERM, SIGINT}) {
    tunnel_program tunnel{{"--drain-timeout", "10m"}};
    attached_pair pair{tunnel, "paired"};
    tunnel.process.send_signal(SIGTERM);
    ASSERT_TRUE(tunnel.process.wait_for_err("a second signal ends them now\n"));
    pair.echo("undisturbed");
    tunnel.process.send_signal(second);
    EXPECT_TRUE(pair.client.read_to_end().empty());
    EXPECT_TRUE(pair.server.read_to_end().empty());
    EXPECT_EQ(tunnel.process.wait().exit_code, 0);
  }
}

/// What is wrong with the ends of channels that a drain of two seconds leaves.
std::string ends_of_what_is_left() {
  tunnel_program tunnel{{"--drain-timeout", "2s"}};
  constexpr int count = 20;
  std::vector<attached_pair> pairs;
  for (int i = 0; i < count; ++i) pairs.emplace_back(tunnel, "room-" + std::to_string(i));
  const auto begin = steady::now();
  tunnel.process.send_signal(SIGTERM);
  std::vector<pollfd> open;
  for (auto& p : pairs) open.push_back({.fd = p.client.descriptor(), .events = POLLIN, .revents = 0});
  std::vector<steady::duration> ends;
  while (!open.empty() && ::poll(open.data(), open.size(), 20'000) > 0) {
    std::erase_if(open, [&](const pollfd& one) {
      if (one.revents == 0) return false;
      ends.push_back(steady::now() - begin);
      return true;
    });
  }
  if (ends.size() != static_cast<std::size_t>(count)) return "some have not ended";
  EXPECT_GE(ends.front(), 900ms) << "all stay for the first half";
  EXPECT_GE(ends.back(), 1800ms);
  for (auto& p : pairs) EXPECT_TRUE(p.client.ended()) << "without a close frame";
  EXPECT_EQ(tunnel.process.wait().exit_code, 0);
  if (ends[count / 2] - ends.front() < 200ms || ends.back() - ends[count / 2] < 200ms) return "they went together";
  return steady::now() - begin < 10s ? "" : "it took too long";
}

TEST(drain, what_is_left_ends_one_after_the_other_by_the_timeout) {
  expect_when_undisturbed(100ms, ends_of_what_is_left);
}

TEST(drain, other_signals_still_work_meanwhile) {
  tunnel_program tunnel{{"--drain-timeout", "10m"}};
  attached_pair pair{tunnel, "paired"};
  tunnel.process.send_signal(SIGTERM);
  ASSERT_TRUE(tunnel.process.wait_for_err(" draining: 1 channels"));
  tunnel.process.send_signal(SIGHUP);
  EXPECT_TRUE(tunnel.process.wait_for_err(" reloaded verifier keyset/config\n"));
  tunnel.enable_metrics();
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_connections"), 2);
}

TEST(drain, none_without_the_flag) {
  tunnel_program tunnel;
  attached_pair pair{tunnel, "paired"};
  auto alone = tunnel.attach("alone", 1);
  tunnel.process.send_signal(SIGTERM);
  const auto end = tunnel.process.wait();
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_THAT(end.err, Not(HasSubstr("draining")));
  EXPECT_TRUE(alone.read_to_end().empty()) << "dropped without a close frame";
  EXPECT_TRUE(pair.client.read_to_end().empty());
}

TEST(drain, a_negative_timeout_is_a_usage_error) {
  const auto result =
      testing_support::run_program("flowersec-tunnel", {"--aud=a", "--issuer-keys-file=x", "--drain-timeout=-1s"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--drain-timeout must be >= 0"));
}

}  // namespace
}  // namespace flowersec::testing
