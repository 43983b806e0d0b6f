// Every limit of a session of a running ownwire with its defaults, at its edge and one past it.
#include "flowersec/ownwire/limits.h"

#include "support/ownwire_crowd.h"
#include "support/run_coroutine.h"
#include "system/ownwire_user.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using namespace std::chrono_literals;
using namespace ownwire;
using testing_support::temporary_folder;
using clock = std::chrono::steady_clock;

constexpr gateway_limits defaults{};

class ownwire_limits : public ::testing::Test {
 protected:
  [[nodiscard]] std::string url() const { return program().ready("ws_url"); }
  [[nodiscard]] std::string key() const { return program().ready("server_key"); }
  [[nodiscard]] ownwire_program& program() const {
    // Nobody reads its log meanwhile: a line for each refusal would fill the pipe.
    ownwire_program::words flags{"--metrics-listen=127.0.0.1:0", "--log-level=warn"};
    if (!program_) program_.emplace(folder_.path(), std::move(flags));
    return *program_;
  }
  [[nodiscard]] chat_user join(hello_frame hello = {}) const { return {url(), key(), std::move(hello)}; }
  /// What a hello is answered that is none.
  [[nodiscard]] error_frame refusal_of(const hello_frame& hello) const {
    chat_user user{url(), key()};
    user.send(hello);
    auto told = user.expect<error_frame>();
    EXPECT_TRUE(user.is_over());
    return told;
  }
  void until_metric(const std::string& name, std::uint64_t wanted) const {
    const auto patience = clock::now() + 30s;
    while (program().metric(name) != wanted) {
      ASSERT_LT(clock::now(), patience) << name << " is " << program().metric(name) << ", not " << wanted;
    }
  }
  struct lost_session {
    std::string id;
    std::string token;
  };
  /// A session with a message, whose connection is lost.
  [[nodiscard]] lost_session lose_a_session(internal_client& backend) const {
    const auto others = program().metric("detached_sessions");
    lost_session lost;
    {
      auto user = join();
      user.say(1, "one");
      lost = {.id = backend.next().session_id, .token = user.welcome().resume_token};
      EXPECT_EQ(user.expect<ack_frame>().id, 1U);
    }
    until_metric("detached_sessions", others + 1);
    return lost;
  }

 private:
  temporary_folder folder_;
  mutable std::optional<ownwire_program> program_;
};

TEST_F(ownwire_limits, content_of_64_kib) {
  internal_client backend{program().internal()};
  auto user = join();
  const std::string longest(max_content_bytes, 'c');
  user.say(1, longest);
  EXPECT_EQ(backend.next().content, longest);
  EXPECT_EQ(user.expect<ack_frame>().id, 1U);
  user.say(2, longest + 'c');
  EXPECT_EQ(user.expect<error_frame>(), (error_frame{.code = chat_error::content_too_large, .id = 2, .fatal = false}));
  user.say(3, "the session goes on");
  EXPECT_EQ(backend.next().content, "the session goes on");
}

TEST_F(ownwire_limits, metadata_of_4_kib_and_auth_of_8) {
  internal_client backend{program().internal()};
  const std::string metadata(max_metadata_bytes, 'm');
  auto user = join({.metadata = metadata, .auth = std::string(max_auth_bytes, 'a')});
  user.say(1, "one");
  EXPECT_EQ(backend.next().metadata, metadata);
  const error_frame too_large{.code = chat_error::metadata_too_large, .fatal = true};
  EXPECT_EQ(refusal_of({.metadata = metadata + 'm'}), too_large);
  EXPECT_EQ(refusal_of({.auth = std::string(max_auth_bytes + 1, 'a')}), too_large);
}

TEST_F(ownwire_limits, twenty_texts_at_once_then_two_a_second) {
  internal_client backend{program().internal()};
  auto user = join();
  std::vector<clock::time_point> taken;
  std::uint64_t refused = 0;
  const auto began = clock::now();
  // On a machine that stands still, so many come back meanwhile that four more are not too many.
  for (std::uint64_t id = 1; taken.size() < defaults.message_burst + 4 || refused == 0; ++id) {
    user.say(id, "text");
    auto answer = user.next();
    if (std::holds_alternative<ack_frame>(answer)) {
      EXPECT_TRUE(refused == 0 || taken.size() >= defaults.message_burst) << "the first 20 are never too many";
      taken.push_back(clock::now());
    } else {
      EXPECT_EQ(std::get<error_frame>(answer), (error_frame{.code = chat_error::rate_limited, .id = id}));
      ++refused;
    }
  }
  // The others at two a second; part of the first may have come back while the twenty were said.
  EXPECT_GE(taken.back() - began, (taken.size() - defaults.message_burst) * 500ms - 100ms);
}

TEST_F(ownwire_limits, sixty_four_replies_are_kept_for_a_lost_connection) {
  internal_client backend{program().internal()};
  const auto full = lose_a_session(backend);
  const auto over = lose_a_session(backend);
  for (std::size_t i = 1; i <= defaults.max_kept_replies; ++i) backend.reply(full.id, std::to_string(i));
  for (std::size_t i = 1; i <= defaults.max_kept_replies + 1; ++i) backend.reply(over.id, std::to_string(i));
  until_metric("replies_taken_total", 2 * defaults.max_kept_replies + 1);
  EXPECT_EQ(program().metric("replies_dropped_total"), 1U);
  auto had_all = join({.resume = full.token});
  for (std::uint64_t seq = 1; seq <= defaults.max_kept_replies; ++seq) {
    EXPECT_EQ(had_all.expect<reply_frame>(), (reply_frame{.seq = seq, .content = std::to_string(seq)}));
  }
  auto lost_one = join({.resume = over.token});
  for (std::uint64_t seq = 2; seq <= defaults.max_kept_replies + 1; ++seq) {
    EXPECT_EQ(lost_one.expect<reply_frame>(), (reply_frame{.seq = seq, .content = std::to_string(seq)}));
  }
}

TEST_F(ownwire_limits, replies_of_256_kib_are_kept_for_a_lost_connection) {
  internal_client backend{program().internal()};
  const auto full = lose_a_session(backend);
  const auto over = lose_a_session(backend);
  const std::string longest(max_content_bytes, 'r');
  constexpr std::uint64_t fit = defaults.max_kept_reply_bytes / max_content_bytes;
  for (std::uint64_t i = 0; i < fit; ++i) backend.reply(full.id, longest);
  for (std::uint64_t i = 0; i < fit; ++i) backend.reply(over.id, longest);
  backend.reply(over.id, "x");
  until_metric("replies_taken_total", 2 * fit + 1);
  EXPECT_EQ(program().metric("replies_dropped_total"), 1U);
  auto had_all = join({.resume = full.token});
  for (std::uint64_t seq = 1; seq <= fit; ++seq) EXPECT_EQ(had_all.expect<reply_frame>().seq, seq);
  auto lost_one = join({.resume = over.token});
  for (std::uint64_t seq = 2; seq <= fit + 1; ++seq) EXPECT_EQ(lost_one.expect<reply_frame>().seq, seq);
}

TEST_F(ownwire_limits, two_hundred_sockets_of_an_address) {
  std::vector<chat_user> users;
  for (std::size_t i = 0; i < defaults.max_sessions_per_address; ++i) users.push_back(join());
  EXPECT_EQ(program().metric("user_sockets"), defaults.max_sessions_per_address);
  EXPECT_THROW(static_cast<void>(join()), boost::system::system_error);
  EXPECT_EQ(program().metric("visitors_refused_total"), 1U);
  users.pop_back();
  until_metric("user_sockets", defaults.max_sessions_per_address - 1);
  users.push_back(join());
}

awaitable<bool> is_refused(std::string url, sealed::public_key key) {
  try {
    static_cast<void>(co_await test_user::open(std::move(url), {}, key));
    co_return false;
  } catch (const boost::system::system_error&) {
    co_return true;
  }
}

awaitable<void> fill(crowd& all, const std::vector<std::string>& urls, std::string own_url) {
  co_await gather(all, urls);
  EXPECT_TRUE(co_await is_refused(std::move(own_url), all.key)) << "10 001 sockets";
}

TEST_F(ownwire_limits, ten_thousand_sessions) {
  constexpr int processes = 5;
  constexpr int addresses_each = 20;
  want_descriptors(11'000);
  const auto port =
      static_cast<std::uint16_t>(std::stoi(program().address().substr(program().address().rfind(':') + 1)));
  std::vector<std::unique_ptr<relay_process>> relays;
  std::vector<std::string> urls;
  for (int i = 0; i < processes; ++i) {
    relays.push_back(std::make_unique<relay_process>(port, 1 + i * addresses_each, addresses_each));
    urls.insert(urls.end(), relays.back()->urls().begin(), relays.back()->urls().end());
  }
  asio::io_context context;
  crowd all{.sessions_each = static_cast<int>(defaults.max_sessions) / static_cast<int>(urls.size()),
            .key = sealed::public_key::parse(key()).value()};
  run(context, fill(all, urls, url()), 240s);
  EXPECT_EQ(program().metric("sessions"), defaults.max_sessions);
  EXPECT_EQ(program().metric("visitors_refused_total"), 1U);
  // The oldest of those whose connection is lost makes room for one that is there.
  all.users.resize(all.users.size() - 3);
  context.restart();
  context.poll();
  until_metric("user_sockets", defaults.max_sessions - 3);
  internal_client backend{program().internal()};
  const auto first = lose_a_session(backend);
  const auto second = lose_a_session(backend);
  auto third = join();
  EXPECT_EQ(program().metric("sessions"), defaults.max_sessions);
  EXPECT_EQ(program().metric("sessions_evicted_total"), 0U);
  auto newcomer = join();
  EXPECT_EQ(program().metric("sessions_evicted_total"), 1U);
  EXPECT_EQ(program().metric("sessions"), defaults.max_sessions);
  EXPECT_TRUE(join({.resume = second.token}).welcome().resumed);
}

// Run by `make check-long`.
TEST_F(ownwire_limits, DISABLED_a_lost_session_is_kept_for_300_seconds) {
  internal_client backend{program().internal()};
  const auto early = lose_a_session(backend);
  const auto late = lose_a_session(backend);
  const auto lost = clock::now();
  asio::io_context context;
  asio::steady_timer timer{context, lost + defaults.keep_detached - 5s};
  timer.wait();
  EXPECT_TRUE(join({.resume = early.token}).welcome().resumed);
  timer.expires_at(lost + defaults.keep_detached + 1s);
  timer.wait();
  chat_user user{url(), key()};
  user.send(hello_frame{.resume = late.token});
  EXPECT_EQ(user.expect<error_frame>().code, chat_error::session_unknown);
  EXPECT_FALSE(user.expect<welcome_frame>().resumed);
}

}  // namespace
}  // namespace flowersec::testing
