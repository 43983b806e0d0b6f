// The restart that is announced: SIGTERM to a tunnel with --drain-timeout, under sessions that come back by themselves
// with the options that they have unless told otherwise.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cmath>
#include <iostream>
#include <memory>
#include <set>
#include <thread>

#include "crowd.h"
#include "flowersec/endpoint/reconnect_manager.h"
#include "flowersec/tunnel/server.h"
#include "support/own_loopback.h"
#include "support/run_coroutine.h"
#include "support/sanitized.h"
#include "support/temporary_folder.h"
#include "support/tunnel_grants.h"
#include "tunnel_program.h"

namespace flowersec::testing {
namespace {

namespace asio = boost::asio;
using namespace flowersec::endpoint;
using namespace std::chrono_literals;
using asio::awaitable;
using steady = std::chrono::steady_clock;

constexpr std::size_t crowd = testing_support::sanitized ? 50 : 1000;
constexpr std::size_t group = 50;
constexpr rlim_t descriptors = 2 * crowd + 200;
constexpr std::chrono::seconds patience{60};
constexpr std::chrono::milliseconds window{500};
/// Longer than it takes until everybody is there, and so long that its last 5 s are for ending what is left.
constexpr const char* drain_timeout = "10s";

/// Evenly over 0..1, and not in the order of the crowd.
double part_of(std::size_t who) {
  constexpr double golden = 0.6180339887498949;
  return std::fmod(static_cast<double>(who) * golden, 1.0);
}

/// Most of them within one window.
[[nodiscard]] std::size_t peak(const std::vector<steady::time_point>& times) {
  std::size_t most = 0;
  for (auto first = times.begin(); first != times.end(); ++first) {
    const auto last = std::upper_bound(first, times.end(), *first + window);
    most = std::max(most, static_cast<std::size_t>(last - first));
  }
  return most;
}

/// A control plane on the context: a channel for each attempt, whose server end is on its way already.
class attempts {
 public:
  attempts(asio::io_context& context, std::string address)
      : context_(context), address_(std::move(address)), mint_(count(to_unix_seconds(system_clocks().wall_now()))) {}

  [[nodiscard]] artifact_source source(bool with_server = true) {
    return artifact_source::refreshable([this, with_server](artifact_request) -> awaitable<result<connect_artifact>> {
      asked.push_back(steady::now());
      mint_.now = count(to_unix_seconds(system_clocks().wall_now()));
      const auto channel = "channel-" + std::to_string(asked.size());
      if (with_server) {
        async_attach_server(context_.get_executor(), grant(channel, role::server), dial_plaintext(),
                            [](error_code failed, endpoint::session up) {
                              if (!failed) up.async_serve(stream_router{}, [keep = up](error_code) {});
                            });
      }
      co_return connect_artifact{.target = grant(channel, role::client)};
    });
  }
  /// From now on grants are for the tunnel there.
  void move_to(std::string address) { address_ = std::move(address); }
  std::vector<steady::time_point> asked;
  std::size_t used_twice = 0;

 private:
  [[nodiscard]] channel_init_grant grant(const std::string& channel, role as) {
    auto made = make_grant(mint_, address_, channel, as);
    if (!tokens_.emplace(made.token.view()).second) ++used_twice;
    return made;
  }

  asio::io_context& context_;
  std::string address_;
  token_mint mint_;
  std::set<std::string> tokens_;
};

/// How a tunnel is restarted.
struct restart_case {
  const char* name;
  bool next_is_up;  ///< as OPERATIONS, "Rolling restarts" has it: the next one first, elsewhere
};

/// The longest time in which nothing of this process ran.
class longest_gap {
 public:
  void beat(steady::time_point now) {
    if (last_) longest_ = std::max(longest_, now - *last_);
    last_ = now;
  }
  [[nodiscard]] std::chrono::milliseconds value() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest_);
  }

 private:
  std::optional<steady::time_point> last_;
  steady::duration longest_{};
};

/// What a run says about managers. When this process stood still, all its timers fire together, whoever set them.
/// And the tunnel's place may have been empty for longer than anybody tries.
enum class verdict { spread_out, together, some_missing, disturbed };

[[nodiscard]] verdict judge(std::size_t came, std::size_t most_together, std::chrono::milliseconds stood_still) {
  constexpr std::chrono::milliseconds tolerable{250};
  if (came == crowd && most_together * 4 <= crowd) return verdict::spread_out;
  if (stood_still > tolerable) return verdict::disturbed;
  return came == crowd ? verdict::together : verdict::some_missing;
}

/// A crowd at a tunnel, which is restarted once.
class crowd_at_a_tunnel {
 public:
  explicit crowd_at_a_tunnel(bool next_is_up) : next_is_up_(next_is_up) {
    start(old_, testing_support::own_loopback() + ":0", "old");
    address_ = old_->address();
    control_plane_.emplace(context_, address_);
    for (std::size_t i = 0; i < crowd; ++i) {
      parts_.push_back(std::make_unique<fixed_part>(part_of(i)));
      managers_.emplace_back(context_.get_executor());
    }
  }

  void connect() {
    for (std::size_t i = 0; i < group; ++i) {
      asio::co_spawn(context_, connect_group(i * (crowd / group)), asio::detached);
    }
    context_.run_for(patience);
    ASSERT_EQ(up_, crowd);
  }

  void restart_the_tunnel() {
    watch();
    control_plane_->asked.clear();
    if (next_is_up_) {
      start(next_, "127.0.0.1:0", "next");
      control_plane_->move_to(next_->address());
    }
    // Waiting for a process blocks, and the sessions must go on.
    std::thread operator_of_the_tunnel{[this] { replace(); }};
    context_.restart();
    pulse();
    context_.run_for(patience);
    operator_of_the_tunnel.join();
    EXPECT_EQ(control_plane_->used_twice, 0u);
    log_ += next_->process.take_err();
    EXPECT_THAT(log_, ::testing::HasSubstr(" draining: "));
    EXPECT_THAT(log_, ::testing::Not(::testing::HasSubstr("token_replay")));
  }

  [[nodiscard]] std::size_t came() const { return attached_.size(); }
  [[nodiscard]] std::size_t tried_together() const { return peak(control_plane_->asked); }
  [[nodiscard]] std::size_t came_together() const { return peak(attached_); }
  [[nodiscard]] std::chrono::milliseconds stood_still() const { return gap_.value(); }

 private:
  /// Remembers used tokens, also when it is another process at the same place.
  void start(std::optional<tunnel_program>& which, const std::string& where, const std::string& journal) const {
    which.emplace(tunnel_program::words{"--listen", where, "--drain-timeout", drain_timeout, "--replay-journal",
                                        folder_.file(journal), "--log-level", "info"});
  }

  awaitable<void> connect_group(std::size_t first) {
    for (auto i = first; i < first + crowd / group; ++i) {
      reconnect_config config{.source = control_plane_->source(), .connect = dial_plaintext(), .reconnect = {}};
      config.reconnect.enabled = true;
      config.connect.common.random = parts_[i].get();
      EXPECT_TRUE(co_await managers_[i].async_connect(std::move(config)));
      if (++up_ == crowd) context_.stop();
    }
  }

  void watch() {
    // The old sessions stay, so that no new one has the address of an old one.
    for (std::size_t i = 0; i < crowd; ++i) {
      before_.push_back(managers_[i].current());
      watching_.push_back(managers_[i].on_state([this, i](const connection_state& now) {
        if (now.status == connection_status::error) ++given_up_;
        if (now.session && now.session.state() != before_[i].state()) attached_.push_back(steady::now());
        if (attached_.size() + given_up_ == crowd) context_.stop();
      }));
    }
  }

  void replace() {
    old_->process.send_signal(SIGTERM);
    const auto end = old_->process.wait(patience);
    EXPECT_EQ(end.exit_code, 0) << end.err;
    log_ = end.err;
    if (!next_) start(next_, address_, "old");
  }

  void pulse() {
    constexpr auto often = 20ms;
    gap_.beat(steady::now());
    pulse_.expires_after(often);
    pulse_.async_wait([this](error_code canceled) {
      if (!canceled) pulse();
    });
  }

  bool next_is_up_;
  /// Not on a disk: one that is slow makes the tunnel refuse fresh tokens, which is not what is asked here.
  testing_support::temporary_folder folder_{testing_support::temporary_folder::fast_parent()};
  std::optional<tunnel_program> old_;
  std::optional<tunnel_program> next_;
  std::string address_;
  std::string log_;
  asio::io_context context_;
  asio::steady_timer pulse_{context_};
  longest_gap gap_;
  std::optional<attempts> control_plane_;
  std::vector<std::unique_ptr<fixed_part>> parts_;
  std::vector<reconnect_manager> managers_;
  std::vector<endpoint::session> before_;
  std::vector<state_subscription> watching_;
  std::vector<steady::time_point> attached_;
  std::size_t up_ = 0;
  std::size_t given_up_ = 0;
};

class drained_restart : public ::testing::TestWithParam<restart_case> {
 protected:
  [[nodiscard]] verdict run_once() {
    crowd_at_a_tunnel run{GetParam().next_is_up};
    run.connect();
    if (HasFatalFailure()) return verdict::together;
    run.restart_the_tunnel();
    const auto tried = run.tried_together();
    const auto came = run.came();
    const auto came_together = run.came_together();
    longest_gap_ = run.stood_still();
    RecordProperty("tried", std::to_string(tried));
    RecordProperty("attached", std::to_string(came_together));
    std::cout << "within " << window.count() << " ms: at most " << tried << " of " << crowd << " tried, at most "
              << came_together << " came, " << came << " in all; this process stood still for " << longest_gap_.count()
              << " ms at most\n";
    return judge(came, std::max(tried, came_together), longest_gap_);
  }

  std::chrono::milliseconds longest_gap_{};
};

TEST_P(drained_restart, a_crowd_with_the_default_options_comes_back_spread_out_and_with_fresh_tokens) {
  if (!raise_descriptors(descriptors)) GTEST_SKIP() << "this takes " << descriptors << " descriptors";
  // More than one run, for the tunnel's process may stand still as well.
  constexpr int runs = 3;
  auto seen = verdict::disturbed;
  for (int i = 0; i < runs && seen != verdict::spread_out && !HasFailure(); ++i) seen = run_once();
  EXPECT_NE(seen, verdict::some_missing) << "some gave up, or nothing came of them";
  EXPECT_NE(seen, verdict::together) << "too many tried or came together in each of " << runs << " runs";
  if (seen == verdict::disturbed) {
    GTEST_SKIP() << "this process stood still for " << longest_gap_.count() << " ms in the last of " << runs << " runs";
  }
}

TEST(a_run, that_exceeds_the_limit_while_this_process_stood_still_says_nothing_about_managers) {
  EXPECT_EQ(judge(crowd, crowd / 4, 0ms), verdict::spread_out);
  EXPECT_EQ(judge(crowd, crowd / 4, 5s), verdict::spread_out);
  EXPECT_EQ(judge(crowd, crowd / 4 + 1, 250ms), verdict::together);
  EXPECT_EQ(judge(crowd, crowd / 4 + 1, 251ms), verdict::disturbed);
  EXPECT_EQ(judge(crowd - 1, crowd / 4, 250ms), verdict::some_missing);
  EXPECT_EQ(judge(crowd - 1, crowd / 4, 251ms), verdict::disturbed);
}

TEST(the_longest_gap, is_the_one_between_two_beats) {
  longest_gap gap;
  const steady::time_point begin{};
  gap.beat(begin + 1h);
  EXPECT_EQ(gap.value(), 0ms);
  for (const auto at : {20ms, 320ms, 340ms}) gap.beat(begin + 1h + at);
  EXPECT_EQ(gap.value(), 300ms);
}

// Where the next one is up only when the old one is gone, some try twice: while it drains, and while nobody listens.
INSTANTIATE_TEST_SUITE_P(tunnels, drained_restart,
                         ::testing::Values(restart_case{"replaced", true}, restart_case{"in_place", false}),
                         [](const auto& one) { return std::string{one.param.name}; });

/// One manager at a tunnel of this process; its waits are nothing but what a hint adds.
class hinted : public ::testing::Test {
 protected:
  static constexpr auto spread = 3s;

  hinted() {
    tunnel::server_options options;
    options.origins.allowed = {std::string{app_origin}};
    options.verifier = token_mint{count(to_unix_seconds(system_clocks().wall_now()))}.verifier();
    options.threads = 1;
    tunnel_ = std::make_unique<tunnel::server>(std::move(options));
    EXPECT_FALSE(tunnel_->start());
    control_plane_.emplace(context, tunnel_->bound_address());
  }
  ~hinted() override { tunnel_->stop(); }

  void connect(bool with_server, std::chrono::milliseconds drain_spread = spread) {
    reconnect_config config{.source = control_plane_->source(with_server),
                            .connect = dial_plaintext(),
                            .reconnect = {.enabled = true,
                                          .max_attempts = 100'000,
                                          .initial_delay = 0ms,
                                          .jitter_ratio = 0,
                                          .drain_spread = drain_spread}};
    config.connect.common.random = &random_;
    manager_.async_connect(std::move(config), [](error_code, const endpoint::session&) {});
  }
  template <class Condition>
  void run_until(Condition holds) {
    const auto limit = steady::now() + 20s;
    while (!holds() && steady::now() < limit) context.run_one_for(10ms);
    ASSERT_TRUE(holds()) << "it did not happen";
  }
  void drain() {
    tunnel_->begin_drain(60s, [] {});
  }
  /// Between the first attempts, of which the second comes after the hint.
  [[nodiscard]] auto first_wait(steady::time_point since) {
    run_until([&] { return control_plane_->asked.size() >= 2; });
    return control_plane_->asked.at(1) - since;
  }

  asio::io_context context;
  fixed_part random_{0.5};
  std::unique_ptr<tunnel::server> tunnel_;
  std::optional<attempts> control_plane_;
  reconnect_manager manager_{context.get_executor()};
};

TEST_F(hinted, an_endpoint_that_is_told_draining_waits_longer_by_its_part_of_the_spread) {
  connect(false);
  // It waits for a peer that never comes.
  run_until([&] { return tunnel_->channels() == 1; });
  const auto told = steady::now();
  drain();
  EXPECT_GE(first_wait(told), spread / 2);
}

TEST_F(hinted, an_endpoint_that_comes_while_a_tunnel_drains_waits_longer_as_well) {
  reconnect_manager stays{context.get_executor()};
  attempts others{context, tunnel_->bound_address()};
  stays.async_connect({.source = others.source(), .connect = dial_plaintext(), .reconnect = {}},
                      [](error_code, const endpoint::session&) {});
  run_until([&] { return stays.state().status == connection_status::connected; });
  drain();
  connect(false);
  run_until([&] { return control_plane_->asked.size() == 1; });
  EXPECT_GE(first_wait(control_plane_->asked.front()), spread / 2);
}

TEST_F(hinted, without_a_spread_it_comes_at_once) {
  connect(false, 0ms);
  run_until([&] { return tunnel_->channels() == 1; });
  const auto told = steady::now();
  drain();
  EXPECT_LT(first_wait(told), spread / 2);
}

TEST_F(hinted, without_a_hint_it_comes_at_once) {
  connect(false);
  run_until([&] { return tunnel_->channels() == 1; });
  const auto cut = steady::now();
  tunnel_->stop();  // nothing is said to anybody
  EXPECT_LT(first_wait(cut), spread / 2);
}

}  // namespace
}  // namespace flowersec::testing
