// A tunnel restarts under many sessions: all come back by themselves, with fresh tokens, and not in one moment.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <iostream>
#include <mutex>
#include <set>

#include "crowd.h"
#include "flowersec/endpoint/reconnect_manager.h"
#include "flowersec/tunnel/server.h"
#include "support/own_loopback.h"
#include "support/run_coroutine.h"
#include "support/sanitized.h"
#include "support/standstill.h"
#include "support/tunnel_grants.h"

namespace flowersec::testing {
namespace {

namespace asio = boost::asio;
using namespace flowersec::endpoint;
using namespace std::chrono_literals;
using asio::awaitable;

// A sanitizer takes ten times as long for each, and one second is then no measure of a rate.
constexpr std::size_t crowd = testing_support::sanitized ? 50 : 1000;
/// A crowd that comes at once takes this long, or what the machine needs to let it all begin.
constexpr std::chrono::milliseconds shortest_window{500};
/// Connecting together: the crowd arrives in groups, so that no time-out is about the machine.
constexpr std::size_t group = 50;
/// Both ends at the tunnel and at this test, and what a test needs otherwise.
constexpr rlim_t descriptors = 4 * crowd + 200;
/// For what waits for processor time when everybody comes at once.
constexpr std::chrono::seconds patience{100};

/// Accepts what the mint signed, and keeps count of the tokens that were shown.
class watchful_verifier final : public tunnel::token_verifier {
 public:
  explicit watchful_verifier(std::shared_ptr<const tunnel::token_verifier> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::optional<tunnel::verified_token> verify(std::string_view token, wall_time now,
                                                             const tunnel::tunnel_limits& limits) const override {
    auto good = inner_->verify(token, now, limits);
    const std::scoped_lock lock{mutex_};
    if (good && !seen_.insert(good->token_id).second) ++twice_;
    return good;
  }
  [[nodiscard]] std::size_t shown() const {
    const std::scoped_lock lock{mutex_};
    return seen_.size();
  }
  [[nodiscard]] std::size_t twice() const {
    const std::scoped_lock lock{mutex_};
    return twice_;
  }

 private:
  std::shared_ptr<const tunnel::token_verifier> inner_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> seen_;
  mutable std::size_t twice_ = 0;
};

class crowd_at_a_tunnel {
 public:
  crowd_at_a_tunnel()
      : mint_(count(to_unix_seconds(system_clocks().wall_now()))),
        verifier_(std::make_shared<watchful_verifier>(mint_.verifier())) {
    start_tunnel(testing_support::own_loopback() + ":0");
    for (std::size_t i = 0; i < crowd; ++i) {
      jitters_.push_back(std::make_unique<fixed_part>((static_cast<double>(i) + 0.5) / crowd));
      managers_.emplace_back(context_.get_executor());
    }
  }
  ~crowd_at_a_tunnel() { tunnel_->stop(); }
  crowd_at_a_tunnel(const crowd_at_a_tunnel&) = delete;
  crowd_at_a_tunnel& operator=(const crowd_at_a_tunnel&) = delete;

  void connect(reconnect_options how) {
    std::size_t up = 0;
    const auto connect_group = [this, how, &up](std::size_t first) -> awaitable<void> {
      for (auto i = first; i < first + crowd / group; ++i) {
        EXPECT_TRUE(co_await managers_[i].async_connect(config_of(i, how)));
        if (++up == crowd) context_.stop();
      }
    };
    for (std::size_t i = 0; i < group; ++i) {
      asio::co_spawn(context_, connect_group(i * (crowd / group)), asio::detached);
    }
    context_.restart();
    context_.run_for(patience);
    ASSERT_EQ(up, crowd);
  }
  /// Everybody is cut off at once, and comes back.
  void restart_and_wait() {
    const auto address = tunnel_->bound_address();
    // The old sessions stay, so that no new one has the address of an old one.
    std::vector<endpoint::session> before;
    for (const auto& manager : managers_) before.push_back(manager.current());
    tunnel_.reset();
    start_tunnel(address);
    asked_.clear();
    std::size_t back = 0;
    std::vector<state_subscription> watching;
    for (std::size_t i = 0; i < crowd; ++i) {
      watching.push_back(managers_[i].on_state([&, i](const connection_state& now) {
        if (!now.session || now.session.state() == before[i].state()) return;
        if (++back == crowd) context_.stop();
      }));
    }
    context_.restart();
    context_.run_for(patience);
    EXPECT_EQ(back, crowd) << "somebody did not come back";
  }
  /// From the first attempt after the restart to the last.
  [[nodiscard]] std::chrono::milliseconds took() const {
    return std::chrono::ceil<std::chrono::milliseconds>(asked_.back() - asked_.front());
  }
  /// Most attempts within one window.
  [[nodiscard]] std::size_t peak(std::chrono::milliseconds window) const {
    std::size_t most = 0;
    for (auto first = asked_.begin(); first != asked_.end(); ++first) {
      const auto last = std::upper_bound(first, asked_.end(), *first + window);
      most = std::max(most, static_cast<std::size_t>(last - first));
    }
    return most;
  }
  /// Every session carries something.
  void probe_all() {
    run(
        context_,
        [this]() -> awaitable<void> {
          for (const auto& manager : managers_) co_await manager.current().async_probe();
        }(),
        patience);
  }

  [[nodiscard]] const watchful_verifier& tokens() const { return *verifier_; }

 private:
  void start_tunnel(std::string address) {
    tunnel::server_options options;
    options.listen = std::move(address);
    options.origins.allowed = {"https://app.example"};
    options.verifier = verifier_;
    options.threads = 1;
    options.limits.attach_timeout = patience;
    tunnel_ = std::make_unique<tunnel::server>(std::move(options));
    ASSERT_FALSE(tunnel_->start());
  }

  [[nodiscard]] static connect_options patiently() {
    auto options = dial_plaintext();
    options.connect_timeout = patience;
    options.common.session.handshake_timeout = patience;
    return options;
  }
  reconnect_config config_of(std::size_t who, reconnect_options how) {
    auto options = patiently();
    options.common.random = jitters_[who].get();
    return {.source = source(), .connect = std::move(options), .reconnect = how};
  }

  [[nodiscard]] channel_init_grant grant(const std::string& channel, role as) {
    return make_grant(mint_, tunnel_->bound_address(), channel, as);
  }
  /// A controlplane: one channel for each attempt, the other end of it already on its way.
  [[nodiscard]] artifact_source source() {
    return artifact_source::refreshable([this](artifact_request) -> awaitable<result<connect_artifact>> {
      asked_.push_back(std::chrono::steady_clock::now());
      mint_.now = count(to_unix_seconds(system_clocks().wall_now()));
      const auto channel = "channel-" + std::to_string(++channels_);
      async_attach_server(context_.get_executor(), grant(channel, role::server), patiently(),
                          [](error_code failed, endpoint::session up) {
                            if (!failed) up.async_serve(stream_router{}, [keep = up](error_code) {});
                          });
      co_return connect_artifact{.target = grant(channel, role::client)};
    });
  }

  asio::io_context context_;
  token_mint mint_;
  std::shared_ptr<watchful_verifier> verifier_;
  std::unique_ptr<tunnel::server> tunnel_;
  std::vector<std::unique_ptr<fixed_part>> jitters_;
  std::vector<reconnect_manager> managers_;
  std::vector<mono_time> asked_;
  std::size_t channels_ = 0;
};

TEST(reconnect, a_crowd_comes_back_from_a_restart_spread_by_its_jitter_and_with_fresh_tokens) {
  if (!raise_descriptors(descriptors)) GTEST_SKIP() << "this takes " << descriptors << " descriptors";
  crowd_at_a_tunnel crowd_here;
  // All that becomes due while the machine stands still comes together.
  expect_when_undisturbed(250ms, [&]() -> std::string {
    const reconnect_options naive{.enabled = true, .max_attempts = 20, .initial_delay = 0ms, .jitter_ratio = 0};
    crowd_here.connect(naive);
    crowd_here.restart_and_wait();
    crowd_here.probe_all();
    const auto window = std::max(crowd_here.took(), shortest_window);
    const auto at_once = crowd_here.peak(window);

    const reconnect_options spread{.enabled = true, .max_attempts = 20, .initial_delay = 8s, .jitter_ratio = 1};
    crowd_here.connect(spread);
    crowd_here.restart_and_wait();
    const auto jittered = crowd_here.peak(window);
    crowd_here.probe_all();

    ::testing::Test::RecordProperty("peak_at_once", std::to_string(at_once));
    ::testing::Test::RecordProperty("peak_jittered", std::to_string(jittered));
    std::cout << "attempts within " << window.count() << " ms: at once " << at_once << ", with jitter " << jittered
              << '\n';
    EXPECT_GE(at_once, crowd);
    return jittered * 4 <= at_once ? "" : "the peak is more than a quarter of the naive one";
  });
  EXPECT_GE(crowd_here.tokens().shown(), 8 * crowd) << "both ends of four connects each";
  EXPECT_EQ(crowd_here.tokens().twice(), 0u);
}

}  // namespace
}  // namespace flowersec::testing
