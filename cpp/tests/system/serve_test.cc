// An endpoint that is served for ever: it registers, meets clients, comes back, and knows when it is unwanted.
#include <set>
#include <stdexcept>

#include "serve_fixture.h"
#include "support/watched_observer.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;
using endpoint::serve_errc;

TEST_F(serve_world, meets_each_client_that_asks_and_comes_back_when_its_control_plane_was_away) {
  start(serving());
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    EXPECT_EQ(control.registrations, std::vector<std::string>{"laptop"}) << "trimmed";
    auto first = co_await client();
    auto second = co_await client();
    co_await expect_echo(first);
    co_await expect_echo(second);
    EXPECT_EQ(served, 2);

    control.stop();
    co_await until([&] { return registered.back(); });
    co_await expect_echo(first);
    EXPECT_FALSE(ended) << "a control plane that is down turns nobody away";
    control.start();
    co_await until(is_registered());
    EXPECT_EQ(control.registrations.size(), 2u);
    auto third = co_await client();
    co_await expect_echo(third);
    co_await expect_echo(second);

    stop();
    co_await until([&] { return ended.has_value(); });
    EXPECT_EQ(*ended, endpoint_errc::canceled);
    const auto [failed, how] = co_await third.async_wait_end(with_error);
    EXPECT_EQ(how.info.code, endpoint_errc::not_connected);
  };
  run(context, whole(), 60s);
}

TEST_F(serve_world, makes_a_router_for_each_session_and_has_one_for_those_whose_maker_threw) {
  auto options = serving();
  const auto echoing = options.router;
  int made = 0;
  options.make_router = [&](const endpoint::session& up) {
    EXPECT_EQ(up.path(), endpoint::path::tunnel);
    if (++made == 3) throw std::runtime_error{"no more"};
    return made == 1 ? endpoint::stream_router{} : echoing;
  };
  start(std::move(options));
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    auto silent = co_await client();
    auto refused = co_await silent.async_open_stream("echo");
    std::array<char, 1> block;
    const auto [failed, n] = co_await refused.async_read_some(asio::buffer(block), with_error);
    EXPECT_TRUE(failed) << "its router has no handlers";
    for (int each = 2; each <= 3; ++each) {
      auto up = co_await client();
      co_await expect_echo(up);
      EXPECT_EQ(made, each);
    }
  };
  run(context, whole());
}

TEST_F(serve_world, waits_for_a_control_plane_that_is_not_up_yet) {
  control.stop();
  start(serving());
  const auto whole = [&]() -> awaitable<void> {
    asio::steady_timer while_it_tries{context, 50ms};
    co_await while_it_tries.async_wait(endpoint::default_token{});
    EXPECT_FALSE(ended);
    control.start();
    co_await until(is_registered());
    auto up = co_await client();
    co_await expect_echo(up);
  };
  run(context, whole());
}

TEST_F(serve_world, hears_a_grant_that_comes_before_the_answer_to_its_registration) {
  control.before_answer = server_grant("early");
  start(serving());
  const auto whole = [&]() -> awaitable<void> {
    auto up = co_await endpoint::async_connect(context.get_executor(), grant("early", endpoint::role::client),
                                               dial_plaintext());
    co_await expect_echo(up);
  };
  run(context, whole());
}

TEST_F(serve_world, is_turned_away_for_good_by_a_refused_registration) {
  struct row {
    std::uint32_t code;
    serve_errc told;
  };
  for (const auto& [code, told] : {row{403, serve_errc::not_allowed}, row{400, serve_errc::bad_endpoint_id}}) {
    ended.reset();
    control.registrations.clear();
    control.refusal = rpc::call_error{.code = code, .message = "no"};
    start(serving());
    run(context, until([&] { return ended.has_value(); }));
    EXPECT_EQ(*ended, make_error_code(told));
    EXPECT_EQ(control.registrations.size(), 1u);
    EXPECT_TRUE(registered.empty());
  }
}

TEST_F(serve_world, tries_again_after_other_answers_and_after_none) {
  auto options = serving();
  options.register_timeout = 300ms;
  control.refusal = rpc::call_error{.code = 500, .message = "later"};
  start(std::move(options));
  const auto whole = [&]() -> awaitable<void> {
    co_await until([&] { return control.registrations.size() >= 2; });
    control.mute = true;
    const auto before = control.registrations.size();
    co_await until([&] { return control.registrations.size() >= before + 2; });
    EXPECT_FALSE(ended);
    control.mute = false;
    control.refusal.reset();
    co_await until(is_registered());
  };
  run(context, whole());
}

TEST_F(serve_world, outlasts_refused_handshakes_and_tells_each) {
  start(serving());
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    control.revoked = true;
    registered.clear();
    control.drop_all();
    // The loss, and then more refusals than any bound that ever was the default.
    co_await until([&] { return registered.size() > 20; });
    EXPECT_FALSE(ended);
    for (std::size_t i = 1; i < registered.size(); ++i) {
      const auto info = endpoint::describe_error(registered[i]);
      EXPECT_TRUE(info && info->code == endpoint_errc::handshake_failed) << registered[i].message();
    }
    // A control plane that could not read its state reads it again.
    control.revoked = false;
    co_await until(is_registered());
    auto up = co_await client();
    co_await expect_echo(up);
  };
  run(context, whole());
}

TEST_F(serve_world, refused_handshakes_count_in_a_row_only) {
  auto options = serving();
  options.max_refused_handshakes = 3;
  start(std::move(options));
  const auto whole = [&]() -> awaitable<void> {
    for (int each = 1; each <= 3; ++each) {
      co_await until(is_registered());
      control.refuse_next = 2;
      registered.clear();
      control.drop_all();
      co_await until([&] { return registered.size() >= 3; });  // the loss and two refusals
    }
    co_await until(is_registered());
    EXPECT_FALSE(ended);
  };
  run(context, whole());
}

TEST_F(serve_world, gives_up_after_as_many_refused_handshakes_as_it_was_told) {
  auto options = serving();
  options.max_refused_handshakes = 3;
  start(std::move(options));
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    control.revoked = true;
    control.asked = 0;
    control.drop_all();
    co_await until([&] { return ended.has_value(); });
    EXPECT_EQ(*ended, make_error_code(serve_errc::credential_refused));
    EXPECT_EQ(control.asked, 3);
  };
  run(context, whole());
}

TEST_F(serve_world, ignores_what_is_no_grant_for_a_server) {
  start(serving());
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    for (const auto& payload : {std::string{"null"}, std::string{"{}"}, std::string{"[1]"},
                                encode(grant("other-role", endpoint::role::client))}) {
      control.notify(payload);
    }
    auto up = co_await client();
    co_await expect_echo(up);
    EXPECT_EQ(served, 1);
  };
  run(context, whole());
}

TEST_F(serve_world, an_attach_that_fails_ends_nothing) {
  start(serving());
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    auto bad = grant("bad", endpoint::role::server);
    bad.token = messages::sensitive_text{"FST2.no.token"};
    control.notify(encode(bad));
    auto up = co_await client();
    co_await expect_echo(up);
    EXPECT_FALSE(ended);
  };
  run(context, whole());
}

/// Counts grants that were dropped.
struct drop_counter final : testing_support::watched_observer {
  void hear(const endpoint::event& happened) override {
    if (happened.resource && happened.resource->name == "waiting_grants") ++dropped;
  }
  int dropped = 0;
};

TEST_F(serve_world, keeps_so_many_grants_while_it_is_busy_and_drops_one_more) {
  auto options = serving();
  options.max_sessions = 1;
  const auto seen = std::make_shared<drop_counter>();
  options.attach.common.events = seen;
  start(std::move(options));
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    auto busy = co_await client();
    co_await expect_echo(busy);
    control.notify(server_grant("waits"));
    for (std::size_t i = 1; i < token::max_waiting_grants; ++i) control.notify(server_grant("nobody-comes"));
    control.notify(server_grant("one-more"));
    co_await until([&] { return seen->dropped == 1; });
    co_await busy.async_close();
    // The first that waited is next.
    auto up = co_await endpoint::async_connect(context.get_executor(), grant("waits", endpoint::role::client),
                                               dial_plaintext());
    co_await expect_echo(up);
    EXPECT_EQ(served, 2);
    EXPECT_EQ(seen->dropped, 1);
  };
  run(context, whole());
}

TEST_F(serve_world, is_cancelled_before_it_has_begun_and_while_it_waits_for_a_client) {
  start(serving());
  stop();
  run(context, until([&] { return ended.has_value(); }));
  EXPECT_EQ(*ended, endpoint_errc::canceled);

  ended.reset();
  start(serving());
  const auto whole = [&]() -> awaitable<void> {
    co_await until(is_registered());
    control.notify(server_grant("nobody-comes"));
    co_await asio::post(endpoint::default_token{});
    stop();
    co_await until([&] { return ended.has_value(); });
    EXPECT_EQ(*ended, endpoint_errc::canceled);
  };
  run(context, whole());
}

TEST_F(serve_world, options_that_make_no_sense_are_refused_at_once) {
  const std::pair<const char*, std::function<void(endpoint::serve_options&)>> defects[] = {
      {"validate/invalid_option", [](auto& o) { o.endpoint_id = " "; }},
      {"validate/invalid_option", [](auto& o) { o.endpoint_id = std::string(token::max_endpoint_id_bytes + 1, 'x'); }},
      {"validate/invalid_option", [](auto& o) { o.endpoint_id = "\xff"; }},
      {"validate/invalid_option", [](auto& o) { o.max_sessions = 0; }},
      {"validate/invalid_option", [](auto& o) { o.max_refused_handshakes = 0; }},
      {"validate/invalid_option", [](auto& o) { o.register_timeout = 0ms; }},
      {"validate/invalid_option", [](auto& o) { o.reconnect.factor = 0; }},
      {"validate/invalid_option", [](auto& o) { o.attach.connect_timeout = 0ms; }},
      {"validate/invalid_option", [](auto& o) { o.attach.common.session.handshake_timeout = -1ms; }},
      {"validate/missing_origin", [](auto& o) { o.attach.origin = " "; }},
      {"validate/missing_origin", [](auto& o) { o.control_connect.origin = ""; }},
      {"validate/missing_ws_url", [](auto& o) { o.control.ws_url = ""; }},
      {"validate/invalid_psk", [](auto& o) { o.control.e2ee_psk_b64u = {}; }},
      {"validate/transport_policy_denied", [](auto& o) { o.control_connect.policy = {}; }},
  };
  for (const auto& [expected, spoil] : defects) {
    ended.reset();
    auto options = serving();
    spoil(options);
    start(std::move(options));
    run(context, until([&] { return ended.has_value(); }));
    const auto info = endpoint::describe_error(*ended);
    ASSERT_TRUE(info) << expected << ": " << ended->message();
    EXPECT_EQ(std::string{to_string(info->stage)} + "/" + std::string{to_string(info->code)}, expected);
  }
  EXPECT_EQ(control.asked, 0);
}

TEST_F(serve_world, goes_with_its_context) {
  start(serving());
  run(context, until(is_registered()));
  EXPECT_FALSE(ended);
}

TEST(serve_errors, every_value_has_its_own_text) {
  std::set<std::string> texts;
  for (int value = 1; value <= 3; ++value) {
    const error_code code = static_cast<serve_errc>(value);
    EXPECT_STREQ(code.category().name(), "flowersec.serve");
    EXPECT_TRUE(texts.insert(code.message()).second) << code.message();
  }
}

}  // namespace
}  // namespace flowersec::testing
