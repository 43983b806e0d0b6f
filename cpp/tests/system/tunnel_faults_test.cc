// When the machine misbehaves: a process that is stopped for a while, no descriptors left, a clock that jumps.
#include <filesystem>

#include "support/sanitized.h"
#include "support/standstill.h"
#include "tunnel_program.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::StartsWith;
using steady = std::chrono::steady_clock;
using testing_support::http_get;

void expect_refused(tunnel_client c, std::string_view reason) {
  const auto frame = c.frame();
  ASSERT_TRUE(frame) << reason;
  EXPECT_EQ(frame->op, op_close) << reason;
  EXPECT_EQ(frame->close_reason(), reason);
}

TEST(stopped_process, what_came_meanwhile_came_in_time) {
  // Twice as many connections: more than one thread looks at in one go, and soon enough there for the first to stay.
  constexpr int count = 150;
  constexpr auto idle = 10s;
  constexpr auto absence = idle + 500ms;
  tunnel_program tunnel{{"--threads", "1"}};
  tunnel.enable_metrics();
  std::vector<attached_pair> pairs;
  for (int i = 0; i < count; ++i) {
    const auto attach = [&](int role) {
      auto p = tunnel.mint.draft("room-" + std::to_string(i), role);
      p.idle_timeout_seconds = idle.count();
      return tunnel.attach(p);
    };
    auto client = attach(1);
    pairs.emplace_back(std::move(client), attach(2));
  }
  for (auto& pair : pairs) pair.echo("before");
  auto late = tunnel.mint.attach_text("late", 1);
  auto door = tunnel.connect();
  tunnel_client slow{tunnel.address()};
  slow.send_text("GET /healthz HTTP/1.1\r\n");
  EXPECT_THAT(http_get(tunnel.address(), "/healthz"), EndsWith("ok")) << "the slow one was read before this one";

  tunnel.process.send_signal(SIGSTOP);
  tunnel.process.wait_until_stopped();
  for (auto& pair : pairs) pair.client.binary("meanwhile");
  slow.send_text("Host: t\r\n\r\n");
  door.send(client_frame(op_text, late));
  tunnel_client newcomer{tunnel.address()};
  newcomer.send_text("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(is_silent(pairs.back().server, absence));
  tunnel.process.send_signal(SIGCONT);

  for (auto& pair : pairs) EXPECT_EQ(pair.server.message(), "meanwhile");
  EXPECT_THAT(slow.read_http_head(), StartsWith("HTTP/1.1 200 ")) << "its five seconds ran out in the absence";
  EXPECT_THAT(newcomer.read_http_head(), StartsWith("HTTP/1.1 200 "));
  attached_pair after{std::move(door), tunnel.attach("late", 2)};
  after.echo("attached with a token of before");
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_channels"), count + 1);
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_close_total{reason=\"idle_timeout\"}"), 0);
}

TEST(stopped_process, who_was_idle_all_the_time_is_ended_soon_after) {
  tunnel_program tunnel;
  tunnel.enable_metrics();
  auto p = tunnel.mint.draft("room", 1);
  p.idle_timeout_seconds = 5;
  auto idle = tunnel.attach(p);
  idle.send(client_frame(op_ping, "attached"));
  EXPECT_EQ(idle.frame()->op, op_pong);
  tunnel.process.send_signal(SIGSTOP);
  tunnel.process.wait_until_stopped();
  EXPECT_TRUE(is_silent(idle, 5500ms));
  undisturbed_time taken;
  tunnel.process.send_signal(SIGCONT);
  EXPECT_TRUE(idle.ended());
  EXPECT_LT(taken.elapsed(), 2s);
  EXPECT_EQ(tunnel.metric("flowersec_tunnel_close_total{reason=\"idle_timeout\"}"), 1);
}

TEST(no_descriptors, newcomers_wait_without_costing_processor_time) {
  tunnel_program tunnel;
  attached_pair calm{tunnel, "calm"};
  tunnel.process.limit_descriptors(tunnel.process.open_descriptors());
  std::vector<tunnel_client> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.emplace_back(tunnel.address());
    waiting.back().send_text("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  ASSERT_TRUE(tunnel.process.wait_for_err(" warning: out of file descriptors"));
  const auto before = tunnel.process.processor_time();
  EXPECT_TRUE(is_silent(waiting.back(), 2s)) << "a few may have found a free number";
  EXPECT_LE(tunnel.process.processor_time() - before, 200ms) << "of two seconds";
  calm.echo("undisturbed");
  tunnel.process.limit_descriptors(1024);
  for (auto& visitor : waiting) EXPECT_THAT(visitor.read_http_head(), StartsWith("HTTP/1.1 200 "));
}

std::string faketime_library() {
  for (const auto& entry : std::filesystem::directory_iterator{"/usr/lib"}) {
    const auto file = entry.path() / "faketime" / "libfaketimeMT.so.1";
    if (std::filesystem::exists(file)) return file;
  }
  return {};
}

/// A tunnel whose time of day is as far from the real one as a file says; its timers run as they should.
class stepped_clock : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing_support::sanitized) {
      GTEST_SKIP() << "a sanitizer's runtime and a preloaded library do not go together";
    }
    const auto library = faketime_library();
    if (library.empty()) GTEST_SKIP() << "libfaketime is not installed (Debian: faketime)";
    step(0);
    tunnel.emplace(tunnel_program::words{}, tunnel_program::environment{{"LD_PRELOAD", library},
                                                                        {"FAKETIME_TIMESTAMP_FILE", offset_file_},
                                                                        {"FAKETIME_NO_CACHE", "1"},
                                                                        {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}});
    tunnel->enable_metrics();
  }
  void step(int seconds) {
    // In one piece: the tunnel reads it at any time.
    const auto fresh = folder_.file("fresh");
    testing_support::write_whole_file(fresh, (seconds < 0 ? "" : "+") + std::to_string(seconds) + "\n");
    std::filesystem::rename(fresh, offset_file_);
  }
  /// A token of the time that the tunnel believes in.
  [[nodiscard]] token_mint::payload draft(const std::string& room, int role, int offset) {
    auto p = tunnel->mint.draft(room, role);
    p.iat += offset;
    p.exp += offset;
    p.init_exp += offset;
    return p;
  }
  [[nodiscard]] attached_pair pair(const std::string& room, int offset) {
    auto client = tunnel->attach(draft(room, 1, offset));
    attached_pair both{std::move(client), tunnel->attach(draft(room, 2, offset))};
    both.echo("first");
    return both;
  }
  [[nodiscard]] double closed(const std::string& reason) {
    return tunnel->metric("flowersec_tunnel_close_total{reason=\"" + reason + "\"}");
  }

  static constexpr int hour = 3600;
  std::optional<tunnel_program> tunnel;

 private:
  testing_support::temporary_folder folder_;
  const std::string offset_file_ = folder_.file("offset");
};

TEST_F(stepped_clock, tokens_follow_it_and_timers_do_not) {
  const auto used = draft("used", 1, 0);
  auto holder = tunnel->attach(used);
  auto calm = pair("calm", 0);
  calm.client.binary(record_shaped(20));
  EXPECT_EQ(calm.server.frame()->payload, record_shaped(20));

  for (const int offset : {hour, -hour}) {
    step(offset);
    expect_refused(tunnel->attach(draft("x", 1, 0)), "invalid_token");
    expect_refused(tunnel->attach(draft("x", 1, -offset)), "invalid_token");
    auto here = pair("here" + std::to_string(offset), offset);
    here.echo("of the new time");
    // An idle time of one second is one second, and nothing else ends for being idle.
    auto brief = draft("brief" + std::to_string(offset), 1, offset);
    brief.idle_timeout_seconds = 1;
    const auto begin = steady::now();
    undisturbed_time taken;
    auto idle = tunnel->attach(brief);
    EXPECT_TRUE(idle.ended());
    EXPECT_GE(steady::now() - begin, 1s);
    EXPECT_LT(taken.elapsed(), 5s);
    calm.echo("undisturbed");
  }
  EXPECT_EQ(closed("idle_timeout"), 2);
  EXPECT_TRUE(holder.ended()) << "its window was over an hour ago";
  EXPECT_GE(closed("init_expired"), 1);

  step(0);
  expect_refused(tunnel->attach(used), "token_replay");
  pair("back", 0).echo("again");
}

}  // namespace
}  // namespace flowersec::testing
