// Getting in: a direct listener and its clients over loopback sockets, good and bad.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"
#include "recording_observer.h"
#include "support/test_certificates.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using endpoint::stage;
using namespace asio::experimental::awaitable_operators;

awaitable<error_code> dial(std::string url, endpoint::connect_options options = dial_options(),
                           std::string channel = "channel", std::string psk = psk_text(), std::uint16_t suite = 1) {
  auto info = info_for(std::move(url), suite);
  info.channel_id = std::move(channel);
  info.e2ee_psk_b64u = messages::sensitive_text{psk};
  auto [failed, session] = co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(info),
                                                            std::move(options), with_error);
  co_return failed;
}

/// What client and listener report when one client dials.
struct outcome {
  error_code client;
  error_code server;
};

/// What is queued for observers.
void hear_the_rest(asio::io_context& context) {
  context.restart();
  context.poll();
}

template <class Dial>
outcome try_once(endpoint::listen_options accept, Dial how, std::uint16_t suite = 1) {
  asio::io_context context;
  auto listener = listen_on(context, std::move(accept), suite);
  outcome seen;
  const auto whole = [&]() -> awaitable<void> {
    auto [client, accepted] = co_await (how(listener.url()) && listener.async_accept(with_error));
    seen = {client, std::get<0>(accepted)};
  };
  run(context, whole());
  hear_the_rest(context);
  return seen;
}

TEST(direct, a_good_client_comes_in_with_both_suites) {
  for (const std::uint16_t suite : {1, 2}) {
    const auto seen = try_once(
        listening(),
        [&](std::string url) { return dial(std::move(url), dial_options(), "channel", psk_text(), suite); }, suite);
    EXPECT_FALSE(seen.client) << seen.client.message();
    EXPECT_FALSE(seen.server) << seen.server.message();
  }
}

TEST(direct, tls_is_verified_against_the_given_authority) {
  test_authority authority;
  const auto files = authority.issue("IP:127.0.0.1");
  auto accept = listening();
  accept.certificate = endpoint::server_certificate{.chain_file = files.chain, .key_file = files.key};
  auto options = dial_options();
  options.policy = {};
  options.trust.ca_pem = authority.ca_pem();
  const auto good = try_once(accept, [&](std::string url) {
    EXPECT_TRUE(url.starts_with("wss://"));
    return dial(std::move(url), options);
  });
  EXPECT_FALSE(good.client) << good.client.message();

  test_authority stranger;
  options.trust.ca_pem = stranger.ca_pem();
  const auto bad = try_once(accept, [&](std::string url) { return dial(std::move(url), options); });
  EXPECT_EQ(bad.client, endpoint_errc::dial_failed);
  EXPECT_EQ(bad.server, endpoint_errc::upgrade_failed);
}

TEST(direct, an_unknown_origin_is_refused_at_the_upgrade) {
  auto options = dial_options();
  options.origin = "https://elsewhere.example";
  const auto heard = std::make_shared<recording_observer>();
  auto accept = listening();
  accept.common.events = heard;
  const auto seen = try_once(std::move(accept), [&](std::string url) { return dial(std::move(url), options); });
  EXPECT_EQ(seen.client, endpoint_errc::dial_failed);
  EXPECT_EQ(seen.server, endpoint_errc::upgrade_failed);
  EXPECT_EQ(heard->take(), std::vector<std::string>{}) << "a listener has no step of connecting";
}

TEST(direct, another_path_is_refused) {
  const auto seen = try_once(listening(), [&](std::string url) { return dial(url + "/else"); });
  EXPECT_EQ(seen.client, endpoint_errc::dial_failed);
}

TEST(direct, each_side_reports_what_it_can_know_of_a_failed_handshake) {
  struct row {
    const char* name;
    std::string channel;
    std::string psk;
    std::uint16_t suite;
    endpoint_errc server;
  };
  const std::string other_psk = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg";
  for (const auto& row : {row{"psk", "channel", other_psk, 1, endpoint_errc::auth_tag_mismatch},
                          row{"channel", "another", psk_text(), 1, endpoint_errc::handshake_failed},
                          row{"suite", "channel", psk_text(), 2, endpoint_errc::invalid_suite}}) {
    SCOPED_TRACE(row.name);
    const auto seen = try_once(listening(), [&](std::string url) {
      return dial(std::move(url), dial_options(), row.channel, row.psk, row.suite);
    });
    EXPECT_EQ(seen.client, endpoint_errc::handshake_failed);
    EXPECT_EQ(seen.client, stage::handshake);
    EXPECT_EQ(seen.server, row.server) << seen.server.message();
  }
}

TEST(direct, a_clients_clock_beyond_the_skew_is_told_to_the_server) {
  struct late_clock : clock_source {
    mono_time mono_now() const noexcept override { return system_clocks().mono_now(); }
    wall_time wall_now() const noexcept override { return system_clocks().wall_now() - 40s; }
  };
  static const late_clock late;
  auto options = dial_options();
  options.common.clocks = &late;
  const auto seen = try_once(listening(), [&](std::string url) { return dial(std::move(url), options); });
  EXPECT_EQ(seen.server, endpoint_errc::timestamp_out_of_skew);
  EXPECT_EQ(seen.client, endpoint_errc::handshake_failed);
}

TEST(direct, nobody_listening_is_a_failed_dial) {
  asio::io_context context;
  asio::ip::tcp::acceptor closed{context, {asio::ip::make_address("127.0.0.1"), 0}};
  const auto url = "ws://127.0.0.1:" + std::to_string(closed.local_endpoint().port()) + "/ws";
  closed.close();
  const auto whole = [&]() -> awaitable<void> { EXPECT_EQ(co_await dial(url), endpoint_errc::dial_failed); };
  run(context, whole());
}

TEST(direct, a_silent_server_is_a_connect_time_out) {
  asio::io_context context;
  asio::ip::tcp::acceptor silent{context, {asio::ip::make_address("127.0.0.1"), 0}};
  auto options = dial_options();
  options.connect_timeout = 50ms;
  const auto whole = [&]() -> awaitable<void> {
    const auto failed = co_await dial("ws://127.0.0.1:" + std::to_string(silent.local_endpoint().port()), options);
    EXPECT_EQ(failed, endpoint_errc::timeout);
    EXPECT_EQ(failed, stage::connect);
  };
  run(context, whole());
}

TEST(direct, a_caller_may_cancel_while_dialling) {
  asio::io_context context;
  asio::ip::tcp::acceptor silent{context, {asio::ip::make_address("127.0.0.1"), 0}};
  asio::cancellation_signal signal;
  error_code seen;
  endpoint::async_connect(context.get_executor(),
                          info_for("ws://127.0.0.1:" + std::to_string(silent.local_endpoint().port())), dial_options(),
                          asio::bind_cancellation_slot(signal.slot(), [&](error_code failed, endpoint::session) {
                            seen = failed;
                            context.stop();
                          }));
  silent.async_accept([&](error_code, asio::ip::tcp::socket peer) {
    static_cast<void>(peer.release());
    signal.emit(asio::cancellation_type::terminal);
  });
  context.run_for(60s);
  EXPECT_EQ(seen, endpoint_errc::canceled);
  EXPECT_EQ(seen, stage::connect);
}

TEST(direct, one_client_more_than_the_admission_limit_is_turned_away) {
  auto accept = listening();
  accept.max_handshakes = 1;
  asio::io_context context;
  auto listener = listen_on(context, accept);
  // A client that connects and says nothing holds the only place.
  asio::ip::tcp::socket holder{context};
  const auto whole = [&]() -> awaitable<void> {
    co_await holder.async_connect({asio::ip::make_address("127.0.0.1"), listener.port()}, endpoint::default_token{});
    auto [client, refused] = co_await (dial(listener.url()) && listener.async_accept(with_error));
    EXPECT_EQ(client, endpoint_errc::dial_failed);
    EXPECT_EQ(std::get<0>(refused), endpoint_errc::resource_exhausted);
    EXPECT_EQ(std::get<0>(refused), stage::handshake);
    holder.close();
    auto [freed, none] = co_await listener.async_accept(with_error);
    EXPECT_EQ(freed, endpoint_errc::upgrade_failed);
    EXPECT_FALSE(co_await dial(listener.url()));
  };
  run(context, whole());
}

TEST(direct, a_client_that_says_nothing_times_out) {
  auto accept = listening();
  accept.common.session.handshake_timeout = 50ms;
  asio::io_context context;
  auto listener = listen_on(context, accept);
  asio::ip::tcp::socket silent{context};
  const auto whole = [&]() -> awaitable<void> {
    co_await silent.async_connect({asio::ip::make_address("127.0.0.1"), listener.port()}, endpoint::default_token{});
    auto [failed, session] = co_await listener.async_accept(with_error);
    EXPECT_EQ(failed, endpoint_errc::timeout);
    EXPECT_EQ(failed, stage::connect);
  };
  run(context, whole());
}

TEST(direct, options_are_checked_before_anything_is_bound) {
  asio::io_context context;
  const auto refused = [&](auto change) {
    auto options = listening();
    change(options);
    auto opened = endpoint::direct_listener::open(context.get_executor(),
                                                  endpoint::fixed_credential::from(info_for("")).value(), options);
    return opened ? std::string{"opened"} : endpoint::to_string(*endpoint::describe_error(opened.error()));
  };
  using options = endpoint::listen_options;
  EXPECT_EQ(refused([](options&) {}), "opened");
  EXPECT_EQ(refused([](options& o) { o.allowed_origins.clear(); }), "direct: validate/missing_origin");
  EXPECT_EQ(refused([](options& o) { o.max_handshakes = 0; }), "direct: validate/invalid_option");
  EXPECT_EQ(refused([](options& o) { o.address = "localhost"; }), "direct: validate/invalid_option");
  EXPECT_EQ(refused([](options& o) { o.common.clock_skew = -1ms; }), "direct: validate/invalid_option");
  EXPECT_EQ(refused([](options& o) {
              o.certificate = endpoint::server_certificate{"/none", "/none"};
            }),
            "direct: connect/upgrade_failed");
  EXPECT_EQ(refused([](options& o) { o.address = "192.0.2.1"; }), "direct: connect/upgrade_failed");
}

TEST(direct, a_closed_listener_ends_its_waiters) {
  asio::io_context context;
  auto listener = listen_on(context);
  const auto whole = [&]() -> awaitable<void> {
    asio::post(context, [&] { listener.close(); });
    auto [failed, session] = co_await listener.async_accept(with_error);
    EXPECT_EQ(failed, endpoint_errc::not_connected);
    auto [again, none] = co_await listener.async_accept(with_error);
    EXPECT_EQ(again, endpoint_errc::not_connected);
  };
  run(context, whole());
}

// ---- credentials that are looked up

struct resolving {
  std::vector<std::string> asked;
  int committed = 0;
  std::function<result<endpoint::resolved_credential>()> answer;
  error_code commit_result;
  bool throws = false;
  std::shared_ptr<recording_observer> heard = std::make_shared<recording_observer>();

  static endpoint::resolved_credential good() {
    return {.psk = crypto::psk::from_base64url(psk_text()).value(),
            .init_exp = unix_seconds{std::time(nullptr) + 60},
            .commit = {}};
  }
  [[nodiscard]] endpoint::credential_resolver resolver() {
    return [this](endpoint::credential_request request) -> awaitable<result<endpoint::resolved_credential>> {
      asked.push_back(request.channel_id);
      if (throws) throw std::runtime_error{"no database"};
      co_return answer();
    };
  }
};

outcome resolve_once(resolving& with, std::string channel = "channel", std::uint16_t suite = 1,
                     std::chrono::milliseconds handshake_timeout = 10s) {
  asio::io_context context;
  auto accept = listening();
  accept.common.session.handshake_timeout = handshake_timeout;
  accept.common.events = with.heard;
  auto listener = endpoint::direct_listener::open(context.get_executor(), with.resolver(), std::move(accept)).value();
  outcome seen;
  const auto whole = [&]() -> awaitable<void> {
    auto [client, accepted] = co_await (dial(listener.url(), dial_options(), channel, psk_text(), suite) &&
                                        listener.async_accept(with_error));
    seen = {client, std::get<0>(accepted)};
  };
  run(context, whole());
  hear_the_rest(context);
  return seen;
}

TEST(resolved_credential, serves_without_a_time_out_of_the_handshake) {
  resolving with;
  with.answer = [] { return resolving::good(); };
  EXPECT_FALSE(resolve_once(with, "some channel", 1, 0ms).server);
}

TEST(resolved_credential, is_asked_for_the_channel_of_the_init_with_the_suite_of_the_client) {
  for (const std::uint16_t suite : {1, 2}) {
    resolving with;
    with.answer = [] { return resolving::good(); };
    const auto seen = resolve_once(with, "some channel", suite);
    EXPECT_FALSE(seen.client) << seen.client.message();
    EXPECT_FALSE(seen.server) << seen.server.message();
    EXPECT_EQ(with.asked, std::vector<std::string>{"some channel"});
    const auto heard = with.heard->take();
    EXPECT_TRUE(!heard.empty() && heard.front() == "direct handshake/handshake_ok ok");
  }
}

TEST(resolved_credential, refusals_have_their_codes) {
  resolving with;
  with.answer = []() -> result<endpoint::resolved_credential> {
    return make_error_code(boost::system::errc::no_such_file_or_directory);
  };
  EXPECT_EQ(resolve_once(with).server, endpoint_errc::resolve_failed);
  with.throws = true;
  EXPECT_EQ(resolve_once(with).server, endpoint_errc::resolve_failed);
  with.throws = false;
  with.answer = []() -> result<endpoint::resolved_credential> {
    auto found = resolving::good();
    found.init_exp = unix_seconds{0};
    return found;
  };
  EXPECT_EQ(resolve_once(with).server, endpoint_errc::missing_init_exp);
  EXPECT_EQ(with.heard->take(), std::vector<std::string>{}) << "looking at credentials is no stage of events";
}

TEST(resolved_credential, is_committed_once_the_client_is_authentic_and_a_refusal_closes) {
  for (const bool refuse : {false, true}) {
    int committed = 0;
    resolving with;
    with.answer = [&]() -> result<endpoint::resolved_credential> {
      auto found = resolving::good();
      found.commit = [&committed, refuse]() -> awaitable<error_code> {
        ++committed;
        co_return refuse ? make_error_code(boost::system::errc::permission_denied) : error_code{};
      };
      return found;
    };
    const auto seen = resolve_once(with);
    EXPECT_EQ(committed, 1);
    if (refuse) {
      EXPECT_EQ(seen.server, endpoint_errc::credential_commit_failed);
    } else {
      EXPECT_FALSE(seen.server) << seen.server.message();
    }
  }
}

TEST(resolved_credential, is_not_committed_for_a_client_without_the_key) {
  int committed = 0;
  resolving with;
  with.answer = [&]() -> result<endpoint::resolved_credential> {
    endpoint::resolved_credential found{
        .psk = crypto::psk::from_base64url("CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg").value(),
        .init_exp = unix_seconds{std::time(nullptr) + 60},
        .commit = [&committed]() -> awaitable<error_code> {
          ++committed;
          co_return error_code{};
        }};
    return found;
  };
  EXPECT_EQ(resolve_once(with).server, endpoint_errc::auth_tag_mismatch);
  EXPECT_EQ(committed, 0);
}

TEST(direct_listener, so_many_clients_are_told_that_it_is_busy_and_one_more_is_disconnected) {
  asio::io_context context;
  auto accept = listening();
  accept.max_handshakes = 1;
  auto listener = listen_on(context, std::move(accept));
  const asio::ip::tcp::endpoint at{asio::ip::make_address("127.0.0.1"), listener.port()};
  run(context, [&]() -> awaitable<void> {
    std::vector<asio::ip::tcp::socket> silent;
    for (std::size_t i = 0; i < 1 + endpoint::direct_listener::max_refusals_under_way; ++i) {
      co_await silent.emplace_back(context).async_connect(at, endpoint::default_token{});
    }
    std::array<char, 512> answer{};
    asio::ip::tcp::socket one_more{context};
    co_await one_more.async_connect(at, endpoint::default_token{});
    auto [ended, none] = co_await one_more.async_read_some(asio::buffer(answer), with_error);
    EXPECT_EQ(ended, asio::error::eof);
    EXPECT_EQ(none, 0u);

    const std::string_view request = "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n";
    co_await asio::async_write(silent.back(), asio::buffer(request), endpoint::default_token{});
    auto [failed, n] = co_await silent.back().async_read_some(asio::buffer(answer), with_error);
    EXPECT_FALSE(failed);
    EXPECT_EQ((std::string_view{answer.data(), n}.substr(0, 13)), "HTTP/1.1 503 ");
    // The others are dropped without a word once their time is over.
    auto [silence, nothing] = co_await silent[1].async_read_some(asio::buffer(answer), with_error);
    EXPECT_TRUE(silence);
    EXPECT_EQ(nothing, 0u);
  }());
}

TEST(resolved_credential, a_resolver_that_never_answers_is_a_time_out) {
  resolving with;
  asio::io_context context;
  auto accept = listening();
  accept.common.session.handshake_timeout = 2s;
  endpoint::credential_resolver never =
      [](endpoint::credential_request) -> awaitable<result<endpoint::resolved_credential>> {
    asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::hours{1}};
    co_await timer.async_wait(endpoint::default_token{});
    co_return resolving::good();
  };
  auto listener = endpoint::direct_listener::open(context.get_executor(), never, std::move(accept)).value();
  const auto whole = [&]() -> awaitable<void> {
    auto [client, accepted] = co_await (dial(listener.url()) && listener.async_accept(with_error));
    EXPECT_EQ(client, stage::handshake);
    EXPECT_EQ(std::get<0>(accepted), endpoint_errc::timeout);
    EXPECT_EQ(std::get<0>(accepted), stage::handshake);
  };
  run(context, whole());
}

TEST(resolved_credential, a_resolver_that_takes_no_notice_does_not_keep_its_place) {
  asio::io_context context;
  asio::steady_timer never{context, std::chrono::hours{1}};
  auto accept = listening();
  accept.max_handshakes = 1;
  accept.common.session.handshake_timeout = 2s;
  endpoint::credential_resolver deaf =
      [&never](endpoint::credential_request request) -> awaitable<result<endpoint::resolved_credential>> {
    if (request.channel_id == "slow") {
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation{});
      co_await never.async_wait(with_error);
    }
    co_return resolving::good();
  };
  auto listener = endpoint::direct_listener::open(context.get_executor(), deaf, std::move(accept)).value();
  const auto whole = [&]() -> awaitable<void> {
    auto [client, accepted] =
        co_await (dial(listener.url(), dial_options(), "slow") && listener.async_accept(with_error));
    EXPECT_EQ(std::get<0>(accepted), endpoint_errc::timeout);
    auto [second, welcome] =
        co_await (dial(listener.url(), dial_options(), "quick") && listener.async_accept(with_error));
    EXPECT_FALSE(second);
    EXPECT_FALSE(std::get<0>(welcome));
  };
  run(context, whole());
}

TEST(resolved_credential, a_commit_that_takes_no_notice_does_not_keep_its_place) {
  asio::io_context context;
  asio::steady_timer never{context, std::chrono::hours{1}};
  auto accept = listening();
  accept.common.session.handshake_timeout = 2s;
  resolving with;
  with.answer = [&]() -> result<endpoint::resolved_credential> {
    auto found = resolving::good();
    found.commit = [&never]() -> awaitable<error_code> {
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation{});
      auto [failed] = co_await never.async_wait(with_error);
      co_return failed;
    };
    return found;
  };
  auto listener = endpoint::direct_listener::open(context.get_executor(), with.resolver(), std::move(accept)).value();
  const auto whole = [&]() -> awaitable<void> {
    auto [client, accepted] = co_await (dial(listener.url()) && listener.async_accept(with_error));
    EXPECT_EQ(std::get<0>(accepted), endpoint_errc::timeout);
    EXPECT_EQ(std::get<0>(accepted), stage::handshake);
  };
  run(context, whole());
}

// ---- what an observer sees

TEST(observer, sees_a_successful_connect_in_order) {
  const auto events = std::make_shared<recording_observer>();
  auto options = dial_options();
  options.common.events = events;
  with_session([](both) -> awaitable<void> { co_return; }, options);
  EXPECT_EQ(events->take(),
            (std::vector<std::string>{"direct transport/plaintext_transport skip", "direct connect/connect_ok ok",
                                      "direct handshake/handshake_ok ok"}));
}

TEST(observer, is_told_nothing_of_what_was_refused_before_dialling) {
  const auto events = std::make_shared<recording_observer>();
  auto options = dial_options();
  options.common.events = events;
  options.policy = {};
  asio::io_context context;
  const auto whole = [&]() -> awaitable<void> {
    EXPECT_EQ(co_await dial("ws://127.0.0.1:1/", options), endpoint_errc::transport_policy_denied);
  };
  run(context, whole());
  hear_the_rest(context);
  EXPECT_EQ(events->take(), std::vector<std::string>{});
}

}  // namespace
}  // namespace flowersec::testing
