// The demo service over real sessions: calls, refusals, notifications, both roles on both ends.
#include "flowersec/demo/v1/service.gen.h"

#include <gtest/gtest.h>

#include "idl/session_fixture.h"

namespace flowersec::testing {
namespace {

using namespace messages::demo::v1;
using boost::asio::awaitable;

class pinging final : public demo_handler {
 public:
  void ping(ping_request, rpc::typed_responder<ping_response> answer) override { answer.succeed({.ok = true}); }
};
class refusing final : public demo_handler {
 public:
  void ping(ping_request, rpc::typed_responder<ping_response> answer) override { answer.fail(418, "teapot"); }
};
class throwing final : public demo_handler {
 public:
  void ping(ping_request, rpc::typed_responder<ping_response>) override { throw std::runtime_error{"no"}; }
};
class forgetting final : public demo_handler {
 public:
  void ping(ping_request, rpc::typed_responder<ping_response>) override {}
};
class waiting final : public demo_handler {
 public:
  void ping(ping_request, rpc::typed_responder<ping_response> answer) override { kept_.push_back(std::move(answer)); }

 private:
  std::vector<rpc::typed_responder<ping_response>> kept_;
};

template <class Handler>
rpc::router serving() {
  rpc::router router;
  register_demo(router, std::make_shared<Handler>());
  return router;
}

std::string refusal_of(const rpc::answer<ping_response>& answer) {
  return answer ? "accepted" : std::to_string(answer.error().code) + " " + answer.error().message;
}

TEST(typed_calls, a_call_is_answered) {
  with_session(serving<pinging>(), [](endpoint::session session) -> awaitable<void> {
    demo_client client{session};
    const auto answer = co_await client.async_ping({});
    EXPECT_TRUE(answer.value().ok);
  });
}

TEST(typed_calls, refusals_of_the_handler_and_of_the_router_arrive) {
  const auto refused_by = [](rpc::router router) {
    std::string refusal;
    with_session(std::move(router), [&refusal](endpoint::session session) -> awaitable<void> {
      refusal = refusal_of(co_await demo_client{session}.async_ping({}));
    });
    return refusal;
  };
  EXPECT_EQ(refused_by(serving<refusing>()), "418 teapot");
  EXPECT_EQ(refused_by(serving<throwing>()), "500 internal error");
  EXPECT_EQ(refused_by(serving<forgetting>()), "500 internal error");
  EXPECT_EQ(refused_by({}), "404 handler not found");
}

TEST(typed_calls, value_throws_what_the_peer_said) {
  with_session(serving<refusing>(), [](endpoint::session session) -> awaitable<void> {
    const auto answer = co_await demo_client{session}.async_ping({});
    EXPECT_THROW(static_cast<void>(answer.value()), rpc::call_refused);
  });
}

TEST(typed_calls, a_payload_that_is_no_request_is_answered_400) {
  with_session(serving<pinging>(), [](endpoint::session session) -> awaitable<void> {
    const auto reply = co_await session.async_call(demo_type_id_ping, "[]");
    EXPECT_EQ(reply, rpc::invalid_payload());
  });
}

TEST(typed_calls, a_missing_payload_stands_for_a_message_without_fields) {
  with_session(serving<pinging>(), [](endpoint::session session) -> awaitable<void> {
    const auto reply = co_await session.async_call(demo_type_id_ping, "");
    EXPECT_EQ(reply.payload, R"({"ok":true})");
  });
}

TEST(typed_calls, a_response_of_another_type_is_an_error) {
  rpc::router router;
  router.on_request(demo_type_id_ping,
                    [](const rpc::request&, rpc::responder answer) { answer.succeed(R"({"ok":1})"); });
  with_session(std::move(router), [](endpoint::session session) -> awaitable<void> {
    const auto [failed, answer] =
        co_await demo_client{session}.async_ping({}, boost::asio::as_tuple(endpoint::default_token{}));
    EXPECT_EQ(failed, messages::make_error_code(messages::messages_errc::bad_field));
  });
}

TEST(typed_calls, a_call_can_run_out_of_time) {
  with_session(serving<waiting>(), [](endpoint::session session) -> awaitable<void> {
    const session::call_options options{.timeout = std::chrono::milliseconds{1}};
    const auto [failed, answer] =
        co_await demo_client{session}.async_ping({}, options, boost::asio::as_tuple(endpoint::default_token{}));
    EXPECT_TRUE(failed);
  });
}

TEST(typed_calls, a_callback_does_as_well_as_a_coroutine) {
  with_session(serving<pinging>(), [](endpoint::session session) -> awaitable<void> {
    boost::asio::steady_timer called{co_await boost::asio::this_coro::executor, std::chrono::seconds{10}};
    bool ok = false;
    demo_client client{session};
    client.async_ping({}, [&](error_code failed, const rpc::answer<ping_response>& answer) {
      ok = !failed && answer && answer->ok;
      called.cancel();
    });
    co_await called.async_wait(boost::asio::as_tuple(endpoint::default_token{}));
    EXPECT_TRUE(ok);
  });
}

TEST(typed_notifications, a_server_notifies_and_a_subscription_ends) {
  const auto make_router = [](endpoint::rpc_peer peer) {
    EXPECT_FALSE(demo_notifier{peer}.hello({.hello = "one"}));
    EXPECT_TRUE(demo_notifier{peer}.hello({.hello = "\xff"})) << "not UTF-8";
    rpc::router router;
    router.on_request(7, [peer](const rpc::request&, rpc::responder answer) {
      EXPECT_FALSE(demo_notifier{peer}.hello({.hello = "two"}));
      answer.succeed("{}");
    });
    return router;
  };
  with_session(make_router, [](endpoint::session session) -> awaitable<void> {
    std::string heard;
    std::string heard_briefly;
    demo_client client{session};
    auto all = client.on_hello([&](const hello_notify& message) { heard += message.hello + ";"; });
    auto brief = client.on_hello([&](const hello_notify& message) { heard_briefly += message.hello + ";"; });
    brief.cancel();
    co_await session.async_call(7, "{}");
    co_await session.async_call(7, "{}");
    co_await settle(session, [&] { return std::count(heard.begin(), heard.end(), ';') >= 3; });
    EXPECT_EQ(heard, "one;two;two;");
    EXPECT_EQ(heard_briefly, "");
  });
}

TEST(typed_notifications, a_client_notifies_and_the_server_hears_what_decodes) {
  auto heard = std::make_shared<std::string>();
  rpc::router router;
  on_demo_hello(router, [heard](const hello_notify& message) { *heard += message.hello + ";"; });
  with_session(std::move(router), [heard](endpoint::session session) -> awaitable<void> {
    demo_client client{session};
    co_await session.async_notify(demo_type_id_hello, R"({"hello":1})");
    // Named: GCC 12 destroys a temporary aggregate in an expression that waits twice.
    const hello_notify good{.hello = "a"};
    const hello_notify bad{.hello = "\xff"};
    co_await client.async_notify_hello(good);
    const auto [failed] = co_await client.async_notify_hello(bad, boost::asio::as_tuple(endpoint::default_token{}));
    EXPECT_EQ(failed, messages::make_error_code(messages::messages_errc::bad_field));
    co_await settle(session, [&] { return !heard->empty(); });
    EXPECT_EQ(*heard, "a;");
  });
}

TEST(typed_calls, the_server_of_a_session_may_call_its_client) {
  with_both(serving<pinging>(), serving<refusing>(),
            [](endpoint::session client, endpoint::session server) -> awaitable<void> {
              EXPECT_EQ(refusal_of(co_await demo_client{client}.async_ping({})), "418 teapot");
              EXPECT_TRUE((co_await demo_client{server}.async_ping({})).value().ok);
            });
}

}  // namespace
}  // namespace flowersec::testing
