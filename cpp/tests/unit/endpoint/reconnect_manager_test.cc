// A manager over real loopback WebSockets: it comes back, it gives up, it lets go.
#include "flowersec/endpoint/reconnect_manager.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"
#include "endpoint/failure.h"
#include "flowersec/yamux/error.h"
#include "recording_observer.h"
#include "support/watched_observer.h"

namespace flowersec::testing {
namespace {

using namespace flowersec::endpoint;
using boost::asio::experimental::channel;

/// A source that counts, and fails first as often as it is told.
struct counting_source {
  std::string url{};
  std::vector<error_code> failures{};  // one each, before anything works
  std::size_t asked = 0;
  std::vector<std::optional<std::string>> traces{};
  std::optional<std::string> yields_trace{};

  [[nodiscard]] artifact_source source() {
    return artifact_source::refreshable([this](artifact_request request) -> awaitable<result<connect_artifact>> {
      traces.push_back(request.trace_id);
      const auto mine = asked++;
      if (mine < failures.size()) co_return failures[mine];
      connect_artifact artifact{.target = info_for(url), .trace_id = yields_trace};
      co_return artifact;
    });
  }
};

error_code failing(stage where, endpoint_errc what) {
  return make_error({.path = path::automatic, .stage = where, .code = what});
}

reconnect_options quick() {
  return {.enabled = true, .max_attempts = 3, .initial_delay = 1ms, .max_delay = 4ms, .drain_spread = 0ms};
}

reconnect_config config_of(counting_source& from, reconnect_options how = quick()) {
  return {.source = from.source(), .connect = dial_options(), .reconnect = how};
}

/// States as they are heard, to wait for.
class state_log {
 public:
  explicit state_log(reconnect_manager& of)
      : changes_(of.get_executor(), 100), subscription_(of.on_state([this](const connection_state& now) {
          EXPECT_EQ(now.status == connection_status::connected, static_cast<bool>(now.session));
          seen.emplace_back(to_string(now.status));
          if (now.error) seen.back() += " " + describe(now.error);
          changes_.try_send(error_code{}, now.status);
        })) {}
  awaitable<void> until(connection_status wanted) {
    for (;;) {
      const auto now = co_await changes_.async_receive(default_token{});
      if (now == wanted) co_return;
    }
  }
  static std::string describe(const error_code& why) {
    const auto info = describe_error(why);
    return info ? std::string{to_string(info->code)} : why.message();
  }
  void cancel() { subscription_.cancel(); }

  std::vector<std::string> seen;

 private:
  channel<void(error_code, connection_status)> changes_;
  state_subscription subscription_;
};

/// Runs `body` with a listener.
template <class Body>
void with_listener(Body body) {
  asio::io_context context;
  auto listener = listen_on(context);
  run(context, body(listener, context));
}

TEST(reconnect_manager, comes_back_with_its_subscriptions_when_the_peer_goes) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url()};
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    channel<void(error_code, std::string)> heard{context, 10};
    manager.rpc().on_notification(7, [&](const std::string& payload) { heard.try_send(error_code{}, payload); });
    auto config = config_of(from);
    const auto seen = std::make_shared<recording_observer>();
    config.connect.common.events = seen;
    const auto first = co_await manager.async_connect(config);
    EXPECT_TRUE(first);
    for (int life = 1; life <= 3; ++life) {
      auto peer = co_await listener.async_accept();
      peer.async_serve(stream_router{}.on_rpc([](const rpc_peer& to) {
        rpc::router router;
        router.on_request(1, [to](rpc::request asked, rpc::responder answer) {
          to.notify(7, asked.payload);
          answer.succeed("true");
        });
        return router;
      }),
                       asio::detached);
      co_await states.until(connection_status::connected);
      const auto reply = co_await manager.rpc().async_call(1, std::to_string(life));
      EXPECT_EQ(reply.payload, "true");
      EXPECT_EQ(co_await heard.async_receive(default_token{}), std::to_string(life));
      if (life < 3) co_await peer.async_close();
    }
    EXPECT_EQ(from.asked, 3u);
    EXPECT_EQ(states.seen,
              (std::vector<std::string>{"disconnected", "connecting", "connected", "connecting not_connected",
                                        "connected", "connecting not_connected", "connected"}));
    auto told = seen->take();
    std::erase_if(told, [](const auto& line) { return line.find(" reconnect/") == std::string::npos; });
    const std::vector<std::string> once{"auto reconnect/reconnect_attempt retry",
                                        "auto reconnect/reconnect_connected ok"};
    std::vector<std::string> expected = once;
    for (int i = 0; i < 2; ++i) {
      expected.emplace_back("auto reconnect/reconnect_scheduled retry");
      expected.insert(expected.end(), once.begin(), once.end());
    }
    EXPECT_EQ(told, expected);
    co_await manager.async_disconnect();
    EXPECT_EQ(manager.state().status, connection_status::disconnected);
    auto [failed, reply] = co_await manager.rpc().async_call(1, "1", with_error);
    EXPECT_EQ(failed, endpoint_errc::not_connected);
  });
}

TEST(reconnect_manager, tries_again_with_a_fresh_artifact_and_numbers_its_attempts) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url(),
                         .failures = {failing(stage::connect, endpoint_errc::dial_failed),
                                      failing(stage::attach, endpoint_errc::token_replay)}};
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    struct numbers final : testing_support::watched_observer {
      void hear(const event& happened) override {
        if (happened.stage == "reconnect") seen.push_back(happened.attempt_seq);
      }
      std::vector<std::uint64_t> seen;
    };
    auto config = config_of(from);
    const auto seen = std::make_shared<numbers>();
    config.connect.common.events = seen;
    EXPECT_TRUE(co_await manager.async_connect(config));
    EXPECT_EQ(from.asked, 3u);
    EXPECT_EQ(seen->seen, (std::vector<std::uint64_t>{1, 1, 2, 2, 3, 3}));
    EXPECT_EQ(states.seen, (std::vector<std::string>{"disconnected", "connecting", "connecting dial_failed",
                                                     "connecting token_replay", "connected"}));
  });
}

TEST(reconnect_manager, shows_a_session_only_when_it_is_prepared) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url()};
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    int prepared = 0;
    auto config = config_of(from);
    config.prepare = [&](endpoint::session up) -> awaitable<error_code> {
      EXPECT_TRUE(up);
      EXPECT_FALSE(manager.current());
      co_await asio::post(default_token{});
      if (++prepared == 1) throw std::runtime_error{"no"};
      co_return prepared == 2 ? failing(stage::rpc, endpoint_errc::timeout) : error_code{};
    };
    EXPECT_TRUE(co_await manager.async_connect(config));
    EXPECT_EQ(prepared, 3);
    EXPECT_EQ(from.asked, 3u) << "a fresh artifact each time";
    EXPECT_EQ(states.seen, (std::vector<std::string>{"disconnected", "connecting", "connecting rpc_failed",
                                                     "connecting timeout", "connected"}));
    // What was not prepared is closed.
    for (int i = 0; i < 2; ++i) {
      auto peer = co_await listener.async_accept();
      const auto [failed, how] = co_await peer.async_wait_end(with_error);
      EXPECT_EQ(how.info.code, endpoint_errc::not_connected);
    }
  });
}

TEST(reconnect_manager, gives_up_on_a_terminal_code_and_when_attempts_are_used_up) {
  with_listener([](direct_listener&, asio::io_context& context) -> awaitable<void> {
    reconnect_manager manager{context.get_executor()};
    counting_source hopeless{.failures = {failing(stage::validate, endpoint_errc::invalid_psk)}};
    auto [failed, none] = co_await manager.async_connect(config_of(hopeless), with_error);
    EXPECT_EQ(failed, endpoint_errc::invalid_psk);
    EXPECT_FALSE(none);
    EXPECT_EQ(hopeless.asked, 1u);
    EXPECT_EQ(manager.state().status, connection_status::error);

    const auto refused = failing(stage::connect, endpoint_errc::dial_failed);
    counting_source down{.failures = {refused, refused, refused, refused}};
    auto [exhausted, still_none] = co_await manager.async_connect(config_of(down), with_error);
    EXPECT_EQ(exhausted, endpoint_errc::dial_failed);
    EXPECT_EQ(down.asked, 3u);
    EXPECT_EQ(manager.state().error, exhausted);
  });
}

TEST(reconnect_manager, acquires_nothing_after_a_disconnect_during_the_wait) {
  with_listener([](direct_listener&, asio::io_context& context) -> awaitable<void> {
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    const auto refused = failing(stage::connect, endpoint_errc::dial_failed);
    counting_source down{.failures = {refused, refused}};
    auto how = quick();
    how.initial_delay = how.max_delay = 1h;
    error_code outcome;
    manager.async_connect(config_of(down, how), [&](error_code failed, const endpoint::session&) { outcome = failed; });
    while (states.seen.empty() || states.seen.back() != "connecting dial_failed") {
      co_await states.until(connection_status::connecting);
    }
    co_await manager.async_disconnect();
    co_await asio::post(default_token{});
    EXPECT_EQ(outcome, endpoint_errc::canceled);
    EXPECT_EQ(down.asked, 1u);
    EXPECT_EQ(manager.state().status, connection_status::disconnected);
  });
}

/// Never yields; counts how often it was cancelled.
artifact_source endless(int& begun, int& stopped) {
  return artifact_source::refreshable([&](artifact_request) -> awaitable<result<connect_artifact>> {
    ++begun;
    asio::steady_timer for_ever{co_await asio::this_coro::executor, 1h};
    auto [failed] = co_await for_ever.async_wait(with_error);
    EXPECT_EQ(failed, asio::error::operation_aborted);
    ++stopped;
    co_return failing(stage::connect, endpoint_errc::canceled);
  });
}

TEST(reconnect_manager, cancels_the_acquisition_of_what_is_replaced) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    int begun = 0;
    int stopped = 0;
    reconnect_manager manager{context.get_executor()};
    channel<void(error_code, error_code)> replaced{context, 1};
    manager.async_connect(
        {.source = endless(begun, stopped), .connect = dial_options(), .reconnect = quick()},
        [&](error_code failed, const endpoint::session&) { replaced.try_send(error_code{}, failed); });
    while (begun == 0) co_await asio::post(default_token{});
    counting_source from{.url = listener.url()};
    EXPECT_TRUE(co_await manager.async_connect(config_of(from)));
    EXPECT_EQ(co_await replaced.async_receive(default_token{}), endpoint_errc::canceled);
    EXPECT_EQ(stopped, 1);
    EXPECT_EQ(manager.state().status, connection_status::connected);
  });
}

TEST(reconnect_manager, is_disconnected_when_its_connect_is_cancelled) {
  with_listener([](direct_listener&, asio::io_context& context) -> awaitable<void> {
    int begun = 0;
    int stopped = 0;
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    asio::cancellation_signal signal;
    channel<void(error_code, error_code)> over{context, 1};
    manager.async_connect({.source = endless(begun, stopped), .connect = dial_options(), .reconnect = quick()},
                          asio::bind_cancellation_slot(signal.slot(), [&](error_code failed, const endpoint::session&) {
                            over.try_send(error_code{}, failed);
                          }));
    while (begun == 0) co_await asio::post(default_token{});
    signal.emit(asio::cancellation_type::terminal);
    EXPECT_EQ(co_await over.async_receive(default_token{}), endpoint_errc::canceled);
    co_await manager.async_disconnect();
    EXPECT_EQ(stopped, 1);
    EXPECT_EQ(states.seen, (std::vector<std::string>{"disconnected", "connecting", "disconnected"}));
  });
}

TEST(reconnect_manager, connect_if_needed_makes_one_attempt_for_two_callers) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url()};
    const auto config = config_of(from);
    reconnect_manager manager{context.get_executor()};
    channel<void(error_code, endpoint::session)> up{context, 3};
    for (int i = 0; i < 2; ++i) {
      manager.async_connect_if_needed(config,
                                      [&](error_code failed, endpoint::session got) { up.try_send(failed, got); });
    }
    const auto first = co_await up.async_receive(default_token{});
    const auto second = co_await up.async_receive(default_token{});
    const auto third = co_await manager.async_connect_if_needed(config);
    EXPECT_EQ(first.state(), second.state());
    EXPECT_EQ(first.state(), third.state());
    EXPECT_EQ(from.asked, 1u);
    auto other = config;
    other.connect.origin = "https://other.example";
    auto [failed, none] = co_await manager.async_connect_if_needed(other, with_error);
    EXPECT_TRUE(failed) << "another origin is another connection";
    EXPECT_GT(from.asked, 1u);
  });
}

TEST(reconnect_manager, refuses_a_source_that_yields_once_when_it_is_to_come_back) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    const auto once = artifact_source::once({.target = info_for(listener.url())});
    reconnect_manager manager{context.get_executor()};
    const reconnect_config twice{.source = once, .connect = dial_options(), .reconnect = quick()};
    auto [refused, none] = co_await manager.async_connect(twice, with_error);
    EXPECT_EQ(refused, endpoint_errc::invalid_option);
    const reconnect_config nothing{.source = {}, .connect = dial_options(), .reconnect = {}};
    auto [missing, still_none] = co_await manager.async_connect(nothing, with_error);
    EXPECT_EQ(missing, endpoint_errc::invalid_option);
    EXPECT_EQ(manager.state().status, connection_status::disconnected);

    const reconnect_config single{.source = once, .connect = dial_options(), .reconnect = {}};
    EXPECT_TRUE(co_await manager.async_connect(single));
    auto [used, no_more] = co_await manager.async_connect(single, with_error);
    EXPECT_EQ(used, endpoint_errc::missing_connect_info);
  });
}

TEST(reconnect_manager, an_rpc_stream_that_breaks_is_a_loss_and_one_that_nobody_serves_is_none) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url()};
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    co_await manager.async_connect(config_of(from));
    auto peer = co_await listener.async_accept();
    auto calls = co_await peer.async_accept_stream();
    {
      const auto refused = std::move(calls.stream);  // reset with nothing sent
    }
    co_await manager.current().async_probe();
    EXPECT_EQ(from.asked, 1u);

    co_await manager.async_connect(config_of(from));
    auto other = co_await listener.async_accept();
    auto speaks = co_await other.async_accept_stream();
    EXPECT_EQ(speaks.kind, "rpc");
    const std::string broken(4, '\0');  // a frame of no bytes
    co_await asio::async_write(speaks.stream, asio::buffer(broken), default_token{});
    co_await states.until(connection_status::connected);
    co_await states.until(connection_status::connected);
    co_await states.until(connection_status::connected);
    EXPECT_EQ(from.asked, 3u);
    EXPECT_EQ(states.seen[states.seen.size() - 2], "connecting rpc_failed");
  });
}

TEST(reconnect_manager, a_loss_is_final_when_not_enabled) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url()};
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    co_await manager.async_connect(config_of(from, {}));
    auto peer = co_await listener.async_accept();
    co_await peer.async_close();
    co_await states.until(connection_status::error);
    EXPECT_EQ(from.asked, 1u);
    EXPECT_FALSE(manager.current());
  });
}

TEST(reconnect_manager, passes_the_trace_on_from_artifact_to_artifact) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url(),
                         .failures = {failing(stage::connect, endpoint_errc::dial_failed)},
                         .yields_trace = "trace-of-artifact"};
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    auto config = config_of(from);
    config.connect.common.context.trace_id = "trace-of-caller";
    co_await manager.async_connect(config);
    auto peer = co_await listener.async_accept();
    co_await states.until(connection_status::connected);
    co_await peer.async_close();
    co_await states.until(connection_status::connected);
    EXPECT_EQ(from.traces,
              (std::vector<std::optional<std::string>>{"trace-of-caller", "trace-of-caller", "trace-of-artifact"}));
  });
}

TEST(reconnect_manager, tells_an_observer_nothing_that_is_secret) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    struct everything final : testing_support::watched_observer {
      void on_connect(const step_report& step) override { text += step.reason; }
      void on_handshake(const step_report& step) override { text += step.reason; }
      void hear(const event& happened) override { text += to_json(happened) + "\n"; }
      std::string text;
    };
    counting_source from{.url = listener.url() + "?secret=query",
                         .failures = {failing(stage::connect, endpoint_errc::dial_failed)}};
    reconnect_manager manager{context.get_executor()};
    auto config = config_of(from);
    const auto seen = std::make_shared<everything>();
    config.connect.common.events = seen;
    auto [failed, up] = co_await manager.async_connect(config, with_error);
    EXPECT_FALSE(failed) << failed.message();
    auto peer = co_await listener.async_accept();
    auto [notify_failed] = co_await up.async_notify(4711, "\"payload\"", with_error);
    EXPECT_FALSE(notify_failed);
    co_await peer.async_close();
    co_await manager.async_disconnect();
    EXPECT_NE(seen->text.find("handshake_ok"), std::string::npos);
    for (const auto& secret : {psk_text(), std::string{"://"}, std::string{"query"}, std::string{"4711"},
                               std::string{"payload"}, std::to_string(listener.port()), std::string{"127.0.0.1"}}) {
      EXPECT_EQ(seen->text.find(secret), std::string::npos) << secret;
    }
  });
}

TEST(reconnect_manager, a_source_that_throws_is_a_failure_to_resolve) {
  with_listener([](direct_listener&, asio::io_context& context) -> awaitable<void> {
    int asked = 0;
    const auto throwing = artifact_source::refreshable([&](artifact_request) -> awaitable<result<connect_artifact>> {
      ++asked;
      throw std::runtime_error{"of the program"};
      co_return failing(stage::connect, endpoint_errc::dial_failed);
    });
    reconnect_manager manager{context.get_executor()};
    const reconnect_config config{.source = throwing, .connect = dial_options(), .reconnect = quick()};
    auto [failed, none] = co_await manager.async_connect(config, with_error);
    EXPECT_EQ(failed, endpoint_errc::resolve_failed);
    EXPECT_EQ(asked, 3);
  });
}

TEST(reconnect_manager, one_call_connects_and_the_last_handle_lets_go) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url()};
    auto connection =
        std::optional{co_await async_connect(context.get_executor(), from.source(), dial_options(), quick())};
    EXPECT_EQ(connection->state().status, connection_status::connected);
    auto peer = co_await listener.async_accept();
    connection.reset();
    const auto how = co_await peer.async_wait_end();
    EXPECT_FALSE(how.closed_here);
    EXPECT_EQ(from.asked, 1u);
  });
}

TEST(reconnect_manager, tells_a_listener_at_once_and_no_more_when_it_has_cancelled) {
  with_listener([](direct_listener& listener, asio::io_context& context) -> awaitable<void> {
    counting_source from{.url = listener.url()};
    reconnect_manager manager{context.get_executor()};
    state_log states{manager};
    co_await states.until(connection_status::disconnected);
    const auto throwing = manager.on_state([](const connection_state&) { throw 1; });
    states.cancel();
    EXPECT_TRUE(co_await manager.async_connect(config_of(from)));
    EXPECT_EQ(states.seen, (std::vector<std::string>{"disconnected"}));
  });
}

TEST(reconnect_manager, takes_a_peer_that_goes_away_for_one_that_drains) {
  ::flowersec::session::link_end end;
  EXPECT_FALSE(is_draining(end));
  for (const std::uint16_t code : {1001, 1012, 1013}) {
    end.transport.close_code = code;
    EXPECT_TRUE(is_draining(end)) << code;
  }
  for (const std::uint16_t code : {1000, 1002, 1008, 1009, 1011, 1014}) {
    end.transport.close_code = code;
    EXPECT_FALSE(is_draining(end)) << code;
  }
  end.why = make_error_code(yamux::yamux_errc::go_away);
  EXPECT_TRUE(is_draining(end));
}

}  // namespace
}  // namespace flowersec::testing
