// A crowd at a running ownwire with its default limits: 2 000 sessions of 100 addresses at once. Nothing is lost,
// nothing is told to another session.
#include "support/ownwire_crowd.h"

#include <set>

#include "support/run_coroutine.h"
#include "system/ownwire_world.h"

namespace flowersec::ownwire {
namespace {

using testing_support::http_get;

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
  [[nodiscard]] std::uint64_t metric(const std::string& name) const {
    const auto url = program->ready("metrics_url");
    const auto page = http_get(url.substr(7, url.rfind('/') - 7), "/metrics");
    const auto line = page.find("\nownwire_" + name + ' ');
    EXPECT_NE(line, std::string::npos) << name;
    return line == std::string::npos ? 0 : std::stoull(page.substr(page.find(' ', line + 1)));
  }

  awaitable<void> meet(crowd& all, const relay_list& relays);

  using words = testing::ownwire_program::words;
  testing_support::temporary_folder folder;
  std::optional<testing::ownwire_program> program;
  asio::io_context context;
};

awaitable<void> ownwire_crowd::meet(crowd& all, const relay_list& relays) {
  co_await gather(all, relays);
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

}  // namespace
}  // namespace flowersec::ownwire
