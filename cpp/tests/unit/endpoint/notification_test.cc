// Handlers of notifications that are taken out again, of a session and of a proxy.
#include "direct_fixture.h"
#include "flowersec/endpoint/rpc_proxy.h"
#include "flowersec/session/typed_rpc.h"

namespace flowersec::testing {
namespace {

using endpoint::remove_handler;
using endpoint::rpc_proxy;

/// What a handler captures: gone with the handler.
using captured = std::shared_ptr<int>;

messages::decoded<std::string> as_it_is(std::string_view text) { return std::string{text}; }

/// Has what went out of the session, and what is still to be taken out of it, pass.
awaitable<void> settle(const endpoint::session& of) {
  auto session = of;
  co_await session.async_probe();
}

/// A session over which each request 1 is notified as type 2.
template <class Body>
void with_notifier(Body body) {
  with_session([body](both ends) -> awaitable<void> {
    ends.server.async_serve(endpoint::stream_router{}.on_rpc([](const endpoint::rpc_peer& peer) {
      rpc::router router;
      router.on_request(1, [peer](const rpc::request& asked, rpc::responder answer) {
        peer.notify(2, asked.payload);
        answer.succeed("true");
      });
      return router;
    }),
                            asio::detached);
    co_await body(ends.client);
  });
}

TEST(notification_handlers, that_are_taken_out_hear_no_more_and_keep_nothing) {
  with_notifier([](endpoint::session client) -> awaitable<void> {
    std::string heard;
    captured what = std::make_shared<int>();
    const auto remove = client.on_notification(2, [&heard, what](const std::string& told) { heard += "a" + told; });
    client.on_notification(2, [&heard](const std::string& told) { heard += "b" + told; });
    co_await client.async_call(1, "1");
    remove();
    remove();
    co_await client.async_call(1, "2");
    co_await settle(client);
    EXPECT_EQ(heard, "a1b1b2");
    EXPECT_EQ(what.use_count(), 1);
  });
}

TEST(notification_handlers, may_take_themselves_and_each_other_out) {
  with_notifier([](endpoint::session client) -> awaitable<void> {
    std::string heard;
    captured what = std::make_shared<int>();
    remove_handler first;
    remove_handler third;
    first = client.on_notification(2, [&, what](const std::string& told) {
      first();
      third();
      heard += "a" + told + std::to_string(what.use_count() > 1);
    });
    client.on_notification(2, [&](const std::string& told) { heard += "b" + told; });
    third = client.on_notification(2, [&, what](const std::string& told) { heard += "c" + told; });
    co_await client.async_call(1, "1");
    co_await client.async_call(1, "2");
    co_await settle(client);
    EXPECT_EQ(heard, "a11b1b2");
    EXPECT_EQ(what.use_count(), 1);
  });
}

TEST(notification_handlers, may_be_taken_out_when_their_session_is_gone) {
  remove_handler remove;
  with_notifier([&remove](endpoint::session client) -> awaitable<void> {
    remove = client.on_notification(2, [](const std::string&) {});
    co_await client.async_close();
  });
  remove();
  endpoint::session none;
  none.on_notification(2, [](const std::string&) {})();
}

TEST(notification_handlers, of_typed_subscriptions_go_when_these_are_cancelled) {
  with_notifier([](endpoint::session client) -> awaitable<void> {
    captured what = std::make_shared<int>();
    rpc_proxy proxy{co_await asio::this_coro::executor};
    proxy.attach(client);
    for (int i = 0; i < 3; ++i) {
      auto over_session = session::subscribe<std::string>(client, 2, as_it_is, [what](const std::string&) {});
      auto over_proxy = session::subscribe<std::string>(proxy, 2, as_it_is, [what](const std::string&) {});
      auto moved = std::move(over_session);
      over_proxy.cancel();
    }
    co_await settle(client);
    EXPECT_EQ(what.use_count(), 1);
    session::subscribe<std::string>(client, 2, as_it_is, [what](const std::string&) {}).detach();
    co_await settle(client);
    EXPECT_EQ(what.use_count(), 2);
  });
}

TEST(rpc_proxy, keeps_no_handler_that_was_taken_out_with_a_session_or_without) {
  with_notifier([](endpoint::session client) -> awaitable<void> {
    rpc_proxy proxy{client.get_executor()};
    std::string heard;
    captured what = std::make_shared<int>();
    const auto early = proxy.on_notification(2, [&heard, what](const std::string& told) { heard += "a" + told; });
    proxy.on_notification(2, [&heard](const std::string& told) { heard += "b" + told; });
    const auto late = proxy.on_notification(2, [&heard, what](const std::string& told) { heard += "c" + told; });
    early();
    EXPECT_EQ(what.use_count(), 2) << "there is no session that could keep it";
    proxy.attach(client);
    co_await proxy.async_call(1, "1");
    late();
    late();
    co_await proxy.async_call(1, "2");
    co_await settle(client);
    EXPECT_EQ(what.use_count(), 1);
    proxy.attach(client);
    co_await proxy.async_call(1, "3");
    co_await settle(client);
    EXPECT_EQ(heard, "b1c1b2b3");
  });
}

TEST(rpc_proxy, handlers_leave_a_session_that_it_left) {
  with_notifier([](endpoint::session client) -> awaitable<void> {
    captured what = std::make_shared<int>();
    {
      rpc_proxy proxy{client.get_executor()};
      const auto remove = proxy.on_notification(2, [what](const std::string&) {});
      proxy.attach(client);
      proxy.detach();
      remove();
    }
    co_await settle(client);
    EXPECT_EQ(what.use_count(), 1);
  });
}

TEST(rpc_proxy, a_handler_may_take_itself_out) {
  with_notifier([](endpoint::session client) -> awaitable<void> {
    rpc_proxy proxy{client.get_executor()};
    proxy.attach(client);
    std::string heard;
    remove_handler self;
    self = proxy.on_notification(2, [&](const std::string& told) {
      self();
      heard += told;
    });
    co_await proxy.async_call(1, "1");
    co_await proxy.async_call(1, "2");
    co_await settle(client);
    EXPECT_EQ(heard, "1");
  });
}

}  // namespace
}  // namespace flowersec::testing
