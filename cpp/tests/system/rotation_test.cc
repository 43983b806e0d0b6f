// The issuer's key is rotated while clients come 200 times a second: nobody who may connect is refused.
// Clients come by a timetable. Those who are late come as soon as they can, so a machine that is short of time for a
// moment makes up for it; the load lasts until all steps are done and the timetable is kept.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include "flowersec/controlplane/channel_init.h"
#include "flowersec/controlplane/file.h"
#include "flowersec/endpoint/connect.h"
#include "keys_fixture.h"
#include "support/sanitized.h"

namespace flowersec::testing {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;
using controlplane::channel_grants;
using controlplane::issuer_keyset;
using steady = std::chrono::steady_clock;

constexpr auto with_error = asio::as_tuple(endpoint::default_token{});
// Under a sanitizer, not so often that they pile up until the tunnel has no more patience with those behind.
constexpr std::chrono::milliseconds between_clients{testing_support::sanitized ? 25 : 5};
/// Clients before, between and after the steps.
constexpr int clients_per_stage = 200;
/// For what waits for processor time: the load is offered at its rate whatever the machine makes of it.
constexpr std::chrono::seconds patience{100};

/// Clients that may be on the way when one looks how many are through.
constexpr int under_way = 20;

/// What the load has come to.
struct load_figures {
  std::chrono::duration<double> took{};  ///< from the first client to the last
  int offered = 0;
  int through = 0;  ///< of all, those who met the other side
};

/// A tunnel, the issuer whose keyset file it reads, and a stream of clients on a thread of its own.
class rotation_under_load : public ::testing::Test {
 protected:
  rotation_under_load() {
    publish_file();
    tunnel_.emplace(process::words{"--issuer-keys-file", keys_file_, "--aud", "aud", "--iss", "iss", "--metrics-listen",
                                   "127.0.0.1:0"});
    begin_ = steady::now();
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
  void wait_for_clients(int more = clients_per_stage) {
    std::unique_lock lock{mutex_};
    const auto wanted = through_ + more;
    EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return through_ >= wanted; }));
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
  /// Until as many are through as the timetable has for the time since the first.
  void wait_for_timetable() {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(changed_.wait_for(lock, patience,
                                  [&] { return through_ + under_way >= (steady::now() - begin_) / between_clients; }))
        << through_ << " clients are through";
  }
  /// Lets no more clients come, and waits for those that are on the way.
  [[nodiscard]] load_figures end_of_load() {
    std::unique_lock lock{mutex_};
    offering_ = false;
    const auto took = steady::now() - begin_;
    EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return on_the_way_.empty(); }));
    return {.took = took, .offered = begun_, .through = through_};
  }
  /// Of the tunnel: attaches that ended so.
  [[nodiscard]] long attaches(const std::string& labels) const {
    constexpr std::string_view scheme = "http://";
    const auto& url = tunnel_->metrics_url;
    const auto page = testing_support::http_get(url.substr(scheme.size(), url.rfind('/') - scheme.size()), "/metrics");
    const auto sample = "flowersec_tunnel_attach_total{" + labels + "} ";
    const auto at = page.find(sample);
    return at == page.npos ? 0 : std::stol(page.substr(at + sample.size()));
  }

  issuer_keyset issuer_ = issuer_keyset::generate("k1", system_random()).value();

 private:
  void publish_file() {
    ASSERT_TRUE(controlplane::write_file_atomically(keys_file_, issuer_.export_keyset_file(), 0644));
  }

  awaitable<void> load() {
    asio::steady_timer tick{context_};
    for (auto next = begin_; const auto mine = begin();) {
      asio::co_spawn(context_, connect(*mine), asio::detached);
      tick.expires_at(next += between_clients);
      co_await tick.async_wait(endpoint::default_token{});
    }
  }
  awaitable<void> connect(int mine) {
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
    end(mine, !failed);
  }
  [[nodiscard]] static endpoint::connect_options dialling() {
    endpoint::connect_options options;
    options.origin = "https://app.example";
    options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
    options.connect_timeout = patience;
    options.common.session.handshake_timeout = patience;
    return options;
  }

  /// The number of the next client; nullopt when no more are to come.
  std::optional<int> begin() {
    const std::scoped_lock lock{mutex_};
    if (!offering_) return std::nullopt;
    on_the_way_.insert(++begun_);
    return begun_;
  }
  void end(int mine, bool connected) {
    const std::scoped_lock lock{mutex_};
    on_the_way_.erase(mine);
    through_ += connected ? 1 : 0;
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
  steady::time_point begin_{};
  bool offering_ = true;
  int begun_ = 0;
  int through_ = 0;
  std::set<int> on_the_way_;
  std::vector<std::string> failures_;
  asio::io_context context_;
  std::thread thread_;
};

TEST_F(rotation_under_load, refuses_no_valid_token_at_any_step) {
  wait_for_clients();
  auto next = crypto::ed25519_signing_key::generate(system_random()).value();
  ASSERT_FALSE(issuer_.publish("k2", next.public_key()));
  deploy();
  wait_for_clients();
  const auto old = mint("old");
  ASSERT_FALSE(issuer_.rotate("k2", std::move(next)));
  wait_for_clients();
  wait_for_old_tokens();
  ASSERT_FALSE(issuer_.retire("k1"));
  deploy();
  wait_for_clients();
  // A sanitizer leaves no time for the timetable.
  if (!testing_support::sanitized) wait_for_timetable();
  const auto load = end_of_load();
  std::cout << load.offered << " clients in " << load.took.count() << " s, " << load.through
            << " through: " << load.through / load.took.count() << " a second\n";
  EXPECT_THAT(failures(), ::testing::IsEmpty());
  EXPECT_EQ(load.through, load.offered) << "whoever came met the other side";
  EXPECT_GE(load.through, 4 * clients_per_stage);
  EXPECT_EQ(attaches(R"(reason="ok",result="ok")"), 2L * load.offered);
  EXPECT_EQ(attaches(R"(reason="invalid_token",result="fail")"), 0);
  // The steps did something: the retired key opens no door.
  expect_refused_token(old);
  EXPECT_EQ(attaches(R"(reason="invalid_token",result="fail")"), 1);
}

TEST_F(rotation_under_load, in_the_wrong_order_is_noticed) {
  wait_for_clients(1);
  auto next = crypto::ed25519_signing_key::generate(system_random()).value();
  ASSERT_FALSE(issuer_.publish("k2", next.public_key()));
  ASSERT_FALSE(issuer_.rotate("k2", std::move(next)));
  expect_refused_token(mint("early"));
}

}  // namespace
}  // namespace flowersec::testing
