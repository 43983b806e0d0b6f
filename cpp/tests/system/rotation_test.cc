// The issuer's key is rotated while clients come 200 times a second: nobody who may connect is refused.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "flowersec/controlplane/channel_init.h"
#include "flowersec/controlplane/file.h"
#include "flowersec/endpoint/connect.h"
#include "keys_fixture.h"

namespace flowersec::testing {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;
using controlplane::channel_grants;
using controlplane::issuer_keyset;

constexpr auto with_error = asio::as_tuple(endpoint::default_token{});
constexpr std::chrono::milliseconds between_connects{5};
/// Connects before, between and after the steps.
constexpr int connects_per_stage = 200;
/// For what waits for processor time: the load is offered at its rate whatever the machine makes of it.
constexpr std::chrono::seconds patience{40};

/// A tunnel, the issuer whose keyset file it reads, and a stream of clients on a thread of its own.
class rotation_under_load : public ::testing::Test {
 protected:
  rotation_under_load() {
    publish_file();
    tunnel_.emplace(process::words{"--issuer-keys-file", keys_file_, "--aud", "aud", "--iss", "iss"});
    asio::co_spawn(context_, load(), asio::detached);
    thread_ = std::thread{[this] { context_.run(); }};
  }
  ~rotation_under_load() override {
    context_.stop();
    thread_.join();
  }

  /// What operators do with a new keyset: bring the file to the tunnel, and let it load it.
  void deploy() {
    publish_file();
    ASSERT_TRUE(tunnel_->hang_up(keys_reloaded));
  }
  [[nodiscard]] channel_grants mint(const std::string& channel) const {
    controlplane::channel_init_options options;
    options.tunnel_url = "ws://" + tunnel_->address + "/ws";
    options.audience = "aud";
    options.issuer = "iss";
    return controlplane::issue_channel(issuer_, options, channel, system_random(), unix_seconds{unix_now()}).value();
  }
  void expect_refused_token(const channel_grants& grants) {
    expect_refused(tunnel_->address, token_mint::attach_text(grants.client.channel_id, 1, grants.client.token.view()),
                   "invalid_token");
  }
  /// Until so many more clients are through.
  void wait_for_connects(int more = connects_per_stage) {
    std::unique_lock lock{mutex_};
    const auto wanted = connected_ + more;
    EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return connected_ >= wanted; }));
  }
  /// Until nobody is on the way whose token was made before this call: then no old token can still be shown.
  void wait_for_old_tokens() {
    std::unique_lock lock{mutex_};
    const auto begun = begun_;
    EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return on_the_way_.empty() || *on_the_way_.begin() > begun; }));
  }
  [[nodiscard]] std::vector<std::string> failures() {
    const std::scoped_lock lock{mutex_};
    return failures_;
  }
  [[nodiscard]] int connected() {
    const std::scoped_lock lock{mutex_};
    return connected_;
  }

  issuer_keyset issuer_ = issuer_keyset::generate("k1", system_random()).value();

 private:
  void publish_file() {
    ASSERT_TRUE(controlplane::write_file_atomically(keys_file_, issuer_.export_keyset_file(), 0644));
  }

  awaitable<void> load() {
    asio::steady_timer tick{context_};
    auto next = std::chrono::steady_clock::now();
    for (;;) {
      asio::co_spawn(context_, connect(), asio::detached);
      tick.expires_at(next += between_connects);
      co_await tick.async_wait(endpoint::default_token{});
    }
  }
  awaitable<void> connect() {
    const auto mine = begin();
    auto grants = mint("channel-" + std::to_string(mine));
    endpoint::async_attach_server(context_.get_executor(), std::move(grants.server), dialling(),
                                  [this](error_code failed, endpoint::session up) {
                                    if (failed) return fail("server: " + failed.message());
                                    up.async_wait_end([up](error_code, const endpoint::termination&) {});
                                  });
    auto [failed, up] =
        co_await endpoint::async_connect(context_.get_executor(), std::move(grants.client), dialling(), with_error);
    if (failed) fail("client: " + failed.message());
    if (up) co_await up.async_close(with_error);
    end(mine);
  }
  [[nodiscard]] static endpoint::connect_options dialling() {
    endpoint::connect_options options;
    options.origin = "https://app.example";
    options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
    options.connect_timeout = patience;
    options.common.session.handshake_timeout = patience;
    return options;
  }

  int begin() {
    const std::scoped_lock lock{mutex_};
    on_the_way_.insert(++begun_);
    return begun_;
  }
  void end(int mine) {
    const std::scoped_lock lock{mutex_};
    on_the_way_.erase(mine);
    ++connected_;
    changed_.notify_all();
  }
  void fail(std::string what) {
    const std::scoped_lock lock{mutex_};
    failures_.push_back(std::move(what));
  }

  temporary_folder folder_;
  const std::string keys_file_ = folder_.file("keys.json");
  std::optional<running_tunnel> tunnel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0;
  int connected_ = 0;
  std::set<int> on_the_way_;
  std::vector<std::string> failures_;
  asio::io_context context_;
  std::thread thread_;
};

TEST_F(rotation_under_load, refuses_no_valid_token_at_any_step) {
  wait_for_connects();
  auto next = crypto::ed25519_signing_key::generate(system_random()).value();
  ASSERT_FALSE(issuer_.publish("k2", next.public_key()));
  deploy();
  wait_for_connects();
  const auto old = mint("old");
  ASSERT_FALSE(issuer_.rotate("k2", std::move(next)));
  wait_for_connects();
  wait_for_old_tokens();
  ASSERT_FALSE(issuer_.retire("k1"));
  deploy();
  wait_for_connects();
  EXPECT_THAT(failures(), ::testing::IsEmpty());
  EXPECT_GE(connected(), 4 * connects_per_stage);
  // The steps did something: the retired key opens no door.
  expect_refused_token(old);
}

TEST_F(rotation_under_load, in_the_wrong_order_is_noticed) {
  wait_for_connects(1);
  auto next = crypto::ed25519_signing_key::generate(system_random()).value();
  ASSERT_FALSE(issuer_.publish("k2", next.public_key()));
  ASSERT_FALSE(issuer_.rotate("k2", std::move(next)));
  expect_refused_token(mint("early"));
}

}  // namespace
}  // namespace flowersec::testing
