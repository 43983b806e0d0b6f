// The restart that is announced: SIGTERM to a tunnel with --drain-timeout, under sessions that come back by themselves
// with the options that they have unless told otherwise.
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cmath>
#include <iostream>
#include <memory>
#include <set>
#include <thread>

#include "flowersec/endpoint/reconnect_manager.h"
#include "flowersec/tunnel/server.h"
#include "support/run_coroutine.h"
#include "support/sanitized.h"
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

[[nodiscard]] bool raise_descriptors() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return false;
  if (files.rlim_cur >= descriptors) return true;
  files.rlim_cur = std::min<rlim_t>(descriptors, files.rlim_max);
  return ::setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == descriptors;
}

/// Decides the random part of each wait, so that the spread of a crowd is not left to luck; all other bytes are random.
class fixed_part final : public random_source {
 public:
  explicit fixed_part(double unit) : unit_(static_cast<std::uint32_t>(unit * 4294967295.0)) {}
  [[nodiscard]] bool fill(mutable_byte_view into) noexcept override {
    if (into.size() != sizeof unit_) return system_random().fill(into);
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = static_cast<std::byte>(unit_ >> (24 - 8 * i));
    return true;
  }

 private:
  std::uint32_t unit_;
};

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

class drained_restart : public ::testing::TestWithParam<restart_case> {
 protected:
  /// Remembers used tokens, also when it is another process at the same place.
  void start(std::optional<tunnel_program>& which, const std::string& where, const std::string& journal) const {
    which.emplace(tunnel_program::words{"--listen", where, "--drain-timeout", drain_timeout, "--replay-journal",
                                        folder_.file(journal), "--log-level", "info"});
  }

  testing_support::temporary_folder folder_;
  std::optional<tunnel_program> old_;
  std::optional<tunnel_program> next_;
};

TEST_P(drained_restart, a_crowd_with_the_default_options_comes_back_spread_out_and_with_fresh_tokens) {
  if (!raise_descriptors()) GTEST_SKIP() << "this takes " << descriptors << " descriptors";
  start(old_, "127.0.0.1:0", "old");
  const auto address = old_->address();
  asio::io_context context;
  attempts control_plane{context, address};
  std::vector<std::unique_ptr<fixed_part>> parts;
  std::vector<reconnect_manager> managers;
  for (std::size_t i = 0; i < crowd; ++i) {
    parts.push_back(std::make_unique<fixed_part>(part_of(i)));
    managers.emplace_back(context.get_executor());
  }
  reconnect_options defaults;
  defaults.enabled = true;

  std::size_t up = 0;
  const auto connect_group = [&](std::size_t first) -> awaitable<void> {
    for (auto i = first; i < first + crowd / group; ++i) {
      reconnect_config config{.source = control_plane.source(), .connect = dial_plaintext(), .reconnect = defaults};
      config.connect.common.random = parts[i].get();
      EXPECT_TRUE(co_await managers[i].async_connect(std::move(config)));
      if (++up == crowd) context.stop();
    }
  };
  for (std::size_t i = 0; i < group; ++i) {
    asio::co_spawn(context, connect_group(i * (crowd / group)), asio::detached);
  }
  context.run_for(patience);
  ASSERT_EQ(up, crowd);

  // The old sessions stay, so that no new one has the address of an old one.
  std::vector<endpoint::session> before;
  std::vector<state_subscription> watching;
  std::vector<steady::time_point> attached;
  std::size_t given_up = 0;
  for (std::size_t i = 0; i < crowd; ++i) {
    before.push_back(managers[i].current());
    watching.push_back(managers[i].on_state([&, i](const connection_state& now) {
      if (now.status == connection_status::error) ++given_up;
      if (now.session && now.session.state() != before[i].state()) attached.push_back(steady::now());
      if (attached.size() + given_up == crowd) context.stop();
    }));
  }
  control_plane.asked.clear();
  std::string log;
  if (GetParam().next_is_up) {
    start(next_, "127.0.0.1:0", "next");
    control_plane.move_to(next_->address());
  }
  // Waiting for a process blocks, and the sessions must go on.
  std::thread operator_of_the_tunnel{[&] {
    old_->process.send_signal(SIGTERM);
    const auto end = old_->process.wait(patience);
    EXPECT_EQ(end.exit_code, 0) << end.err;
    log = end.err;
    if (!next_) start(next_, address, "old");
  }};
  context.restart();
  context.run_for(patience);
  operator_of_the_tunnel.join();
  EXPECT_EQ(attached.size(), crowd) << given_up << " gave up";

  const auto tried = peak(control_plane.asked);
  const auto attaches = peak(attached);
  RecordProperty("tried", std::to_string(tried));
  RecordProperty("attached", std::to_string(attaches));
  std::cout << "within " << window.count() << " ms: at most " << tried << " of " << crowd << " tried, at most "
            << attaches << " came\n";
  EXPECT_LE(tried * 4, crowd) << "too many tried together";
  EXPECT_LE(attaches * 4, crowd) << "too many came together";
  EXPECT_EQ(control_plane.used_twice, 0u);
  log += next_->process.take_err();
  EXPECT_THAT(log, ::testing::HasSubstr(" draining: "));
  EXPECT_THAT(log, ::testing::Not(::testing::HasSubstr("token_replay")));
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
