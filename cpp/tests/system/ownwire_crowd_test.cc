// A crowd at a running ownwire with its default limits: 2 000 sessions of 100 addresses at once, and an internal client
// that stops reading for 30 seconds. Nothing is lost, nothing comes twice, nothing is told to another session.
#include "support/ownwire_crowd.h"

#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <map>
#include <set>

#include "support/run_coroutine.h"
#include "system/ownwire_world.h"

namespace flowersec::ownwire {
namespace {

using namespace std::string_literals;

class ownwire_crowd : public ::testing::Test {
 protected:
  ownwire_crowd() {
    want_descriptors(9'000);
    // Nobody reads its log meanwhile: a line for each session would fill the pipe.
    program.emplace(folder.path(), words{"--log-level=warn", "--metrics-listen=127.0.0.1:0"});
  }
  void run(awaitable<void> body) { testing::run(context, std::move(body), 150s); }

  [[nodiscard]] sealed::public_key key() const {
    return sealed::public_key::parse(program->ready("server_key")).value();
  }
  [[nodiscard]] std::string internal_url() const { return program->ready("internal_ws_url"); }
  [[nodiscard]] std::uint16_t public_port() const {
    const auto address = program->address();
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  [[nodiscard]] std::uint64_t metric(const std::string& name) const { return program->metric(name); }

  awaitable<void> meet(crowd& all, const relay_list& relays);
  awaitable<void> pause_reading(crowd& all, const relay_list& relays);

  using words = testing::ownwire_program::words;
  testing_support::temporary_folder folder;
  std::optional<testing::ownwire_program> program;
  asio::io_context context;
};

awaitable<void> ownwire_crowd::meet(crowd& all, const relay_list& relays) {
  const auto urls = urls_of(relays);
  co_await gather(all, urls);
  EXPECT_EQ(all.users.size(), 2'000U);
  EXPECT_EQ(std::set<std::string>(all.ids.begin(), all.ids.end()).size(), 2'000U);
  EXPECT_EQ(metric("user_sockets"), 2'000U);
  auto client = co_await test_client::open(internal_url());
  co_await talk(all, client);
  // Each of as many was heard by the one it was meant for: there is none that another could have.
  EXPECT_EQ(metric("texts_handed_over_total"), 4'000U);
  EXPECT_EQ(metric("replies_taken_total"), 4'000U);
  for (const auto* none : {"texts_dropped_total", "replies_dropped_total", "replies_ignored_total",
                           "replies_unknown_session_total", "visitors_refused_total", "opens_failed_total"}) {
    EXPECT_EQ(metric(none), 0U) << none;
  }
  client.socket.abort();
}

TEST_F(ownwire_crowd, two_thousand_sessions_hear_their_own_replies) {
  const auto relays = relays_to(context, public_port(), 100);
  crowd all{.sessions_each = 20, .texts_each = 2, .key = key()};
  run(meet(all, relays));
}

constexpr std::uint64_t burst = 20;
constexpr std::size_t text_bytes = 60 * 1024;
constexpr std::uint64_t last = burst + 1;

struct outcome {
  std::vector<std::uint64_t> acknowledged{};
  std::vector<std::uint64_t> refused{};
};

/// A number and a filler, as long as a text shall be.
std::string long_text(std::uint64_t id) {
  auto content = std::to_string(id) + ' ';
  content.resize(text_bytes, 'a');
  return content;
}

awaitable<void> say_burst(test_user& user) {
  for (std::uint64_t id = 1; id <= burst; ++id) co_await user.say(text(id, long_text(id)));
}

/// Hears what becomes of each text of the burst, then says the last; not before the pause is over, or it were too many.
awaitable<void> hear_outcomes(test_user& user, outcome& heard, asio::steady_timer& pause, int& done) {
  while (heard.acknowledged.size() + heard.refused.size() < last) {
    const auto frame = co_await user.hear();
    const auto* ack = frame ? std::get_if<ack_frame>(&*frame) : nullptr;
    const auto* error = frame ? std::get_if<error_frame>(&*frame) : nullptr;
    if (ack != nullptr) {
      heard.acknowledged.push_back(ack->id);
    } else if (error != nullptr && error->code == chat_error::backend_unavailable && error->id) {
      heard.refused.push_back(*error->id);
    } else {
      ADD_FAILURE() << (frame ? encode(*frame) : "cut off"s);
      break;
    }
    if (heard.acknowledged.size() + heard.refused.size() == burst) {
      co_await pause.async_wait(as_result);
      co_await user.say(text(last, long_text(last)));
    }
  }
  ++done;
}

awaitable<void> ownwire_crowd::pause_reading(crowd& all, const relay_list& relays) {
  const auto executor = co_await asio::this_coro::executor;
  const auto urls = urls_of(relays);
  co_await gather(all, urls);
  auto client = co_await test_client::open(internal_url());
  asio::steady_timer pause{executor, 30s};
  std::vector<outcome> outcomes{all.users.size()};
  int done = 0;
  for (std::size_t i = 0; i < all.users.size(); ++i) {
    asio::co_spawn(executor, hear_outcomes(all.users[i], outcomes[i], pause, done), asio::detached);
    asio::co_spawn(executor, say_burst(all.users[i]), asio::detached);
  }
  co_await pause.async_wait(asio::use_awaitable);
  const auto taken = all.users.size() * burst;
  EXPECT_GT(taken * text_bytes, 20'000'000U);
  // A text waits 30 s as well: some may be refused by now.
  EXPECT_GE(metric("texts_taken_total"), taken) << "all are under way";
  EXPECT_LT(metric("texts_handed_over_total"), taken) << "more than the queue and the kernel hold";
  EXPECT_GT(metric("internal_queue_bytes"), 16'000'000U);
  std::map<std::string, std::vector<std::uint64_t>> delivered;
  for (std::size_t ended = 0; ended < all.users.size();) {
    const auto heard = co_await client.hear();
    if (heard.empty()) {
      ADD_FAILURE() << "the client was cut off";
      break;
    }
    const std::string content{heard.at("content").as_string()};
    std::uint64_t id = 0;
    std::from_chars(content.data(), content.data() + content.size(), id);
    EXPECT_TRUE(content == long_text(id)) << id;
    delivered[std::string{heard.at("session_id").as_string()}].push_back(id);
    if (id == last) ++ended;
  }
  co_await until([&] { return done == static_cast<int>(all.users.size()); });
  std::size_t refused = 0;
  for (std::size_t i = 0; i < all.users.size(); ++i) {
    // Those, each once and in this order; so none that the user was told is not.
    EXPECT_EQ(delivered[all.ids[i]], outcomes[i].acknowledged);
    EXPECT_THAT(outcomes[i].acknowledged, ::testing::WhenSorted(outcomes[i].acknowledged));
    auto known = outcomes[i].acknowledged;
    known.insert(known.end(), outcomes[i].refused.begin(), outcomes[i].refused.end());
    EXPECT_EQ(std::set<std::uint64_t>(known.begin(), known.end()).size(), last) << "one answer to each";
    refused += outcomes[i].refused.size();
  }
  EXPECT_EQ(metric("texts_dropped_total"), refused);
  EXPECT_EQ(metric("clients_stalled_total"), 0U);
  client.socket.abort();
}

TEST_F(ownwire_crowd, an_internal_client_that_stops_reading_for_30_seconds_loses_nothing) {
  const auto relays = relays_to(context, public_port(), 13);
  crowd all{.sessions_each = 2, .key = key()};
  run(pause_reading(all, relays));
}

}  // namespace
}  // namespace flowersec::ownwire
