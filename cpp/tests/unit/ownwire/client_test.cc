// The chat client over loopback sockets, against a gateway that says what the test tells it to.
#include "unit/ownwire/client_fixture.h"

namespace flowersec::testing {
namespace {

TEST_F(chat, texts_sent_directly_after_connect_arrive_in_order_and_are_delivered) {
  client_options options;
  options.metadata = "username:user1";
  auto user = make(std::move(options));
  std::array<error_code, 3> outcome;
  const auto gateway = [&]() -> awaitable<void> {
    visitor at;
    co_await greet(listener, at);
    const auto hello = co_await at.expect<hello_frame>();
    EXPECT_EQ(hello.metadata, "username:user1");
    EXPECT_FALSE(hello.resume);
    co_await at.say(fresh());
    for (std::uint64_t id = 1; id <= 2; ++id) {
      const auto text = co_await at.expect<text_frame>();
      EXPECT_EQ(text.id, id);
      EXPECT_EQ(text.content, id == 1 ? "first" : "second");
      co_await at.say(ack_frame{id});
    }
    co_await at.expect<bye_frame>();
    co_await at.stream.async_shutdown_send();
    EXPECT_FALSE(co_await at.next());
  };
  const auto whole = [&]() -> awaitable<void> {
    const auto use = [&]() -> awaitable<void> {
      co_await (connect_to(user, outcome[0]) && send_to(user, "first", outcome[1]) &&
                send_to(user, "second", outcome[2]));
      EXPECT_EQ(user.state(), client_state::open);
      co_await user.async_close();
      EXPECT_EQ(user.state(), client_state::closed);
    };
    co_await (use() && gateway());
  };
  run(context, whole());
  for (const auto& each : outcome) EXPECT_FALSE(each) << each.message();
  ASSERT_EQ(all<session_opened>().size(), 1u);
  EXPECT_EQ(all<session_opened>()[0].session_id, "s1");
  EXPECT_EQ(all<text_delivered>().size(), 2u);
  EXPECT_TRUE(all<problem_met>().empty());
}

TEST_F(chat, replies_are_told_once_and_confirmed_and_a_handler_that_throws_ends_nothing) {
  std::vector<reply_received> replies;
  client_options options;
  options.on_event = [&](const client_event& event) {
    if (const auto* reply = std::get_if<reply_received>(&event)) replies.push_back(*reply);
    throw std::runtime_error{"of the application"};
  };
  auto user = make(std::move(options));
  error_code connected;
  const auto gateway = [&]() -> awaitable<void> {
    visitor at;
    co_await greet(listener, at);
    co_await at.expect<hello_frame>();
    co_await at.say(fresh());
    reply_frame first{.seq = 1, .content = "hello", .metadata = "bot"};
    co_await at.say(first);
    EXPECT_EQ((co_await at.expect<received_frame>()).seq, 1u);
    co_await at.say_text(R"({"type":"message","seq":4,"content":"after a gap","later":1})");
    EXPECT_EQ((co_await at.expect<received_frame>()).seq, 4u);
    co_await at.say_text(R"({"type":"of a later version"})");
    co_await at.say(first);
    EXPECT_EQ((co_await at.expect<received_frame>()).seq, 4u);
  };
  const auto whole = [&]() -> awaitable<void> { co_await (connect_to(user, connected) && gateway()); };
  run(context, whole());
  EXPECT_FALSE(connected);
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].metadata, "bot");
  EXPECT_EQ(replies[0].session_id, "s1");
  EXPECT_EQ(replies[1].content, "after a gap");
}

TEST_F(chat, a_lost_connection_is_resumed_and_only_what_was_not_acknowledged_is_sent_again) {
  auto user = make();
  std::array<error_code, 3> outcome;
  const auto gateway = [&]() -> awaitable<void> {
    {
      visitor at;
      co_await greet(listener, at);
      co_await at.expect<hello_frame>();
      co_await at.say(fresh());
      co_await at.expect<text_frame>();
      co_await at.expect<text_frame>();
      co_await at.say(ack_frame{1});
      reply_frame reply{.seq = 1, .content = "hello"};
      co_await at.say(reply);
      co_await at.expect<received_frame>();
      co_await at.session.async_close();
    }
    visitor again;
    co_await greet(listener, again);
    EXPECT_EQ((co_await again.expect<hello_frame>()).resume, "t1");
    co_await again.say(resumed(1));
    EXPECT_EQ((co_await again.expect<received_frame>()).seq, 1u);
    const auto text = co_await again.expect<text_frame>();
    EXPECT_EQ(text.id, 2u);
    EXPECT_EQ(text.content, "two");
    co_await again.say(ack_frame{2});
    co_await again.expect<bye_frame>();
  };
  const auto whole = [&]() -> awaitable<void> {
    const auto use = [&]() -> awaitable<void> {
      co_await (connect_to(user, outcome[0]) && send_to(user, "one", outcome[1]) && send_to(user, "two", outcome[2]));
      co_await user.async_close();
    };
    co_await (use() && gateway());
  };
  run(context, whole());
  for (const auto& each : outcome) EXPECT_FALSE(each) << each.message();
  ASSERT_EQ(all<session_opened>().size(), 2u);
  EXPECT_TRUE(all<session_opened>()[1].resumed);
  ASSERT_EQ(all<problem_met>().size(), 1u);
  EXPECT_EQ(all<problem_met>()[0].why, client_errc::connection_lost);
  EXPECT_EQ(all<reply_received>().size(), 1u);
}

TEST_F(chat, session_taken_is_the_end_and_nobody_comes_back) {
  auto user = make();
  error_code connected;
  error_code sent;
  const auto gateway = [&]() -> awaitable<void> {
    visitor at;
    co_await greet(listener, at);
    co_await at.expect<hello_frame>();
    co_await at.say(fresh());
    co_await at.expect<text_frame>();
    error_frame taken{.code = chat_error::session_taken, .fatal = true};
    co_await at.say(taken);
    EXPECT_FALSE(co_await at.next());
  };
  const auto whole = [&]() -> awaitable<void> {
    co_await (connect_to(user, connected) && send_to(user, "x", sent) && gateway());
  };
  run(context, whole());
  EXPECT_EQ(sent, client_errc::session_taken);
  EXPECT_EQ(user.state(), client_state::closed);
  ASSERT_EQ(all<chat_closed>().size(), 1u);
  EXPECT_EQ(all<chat_closed>()[0].why, client_errc::session_taken);
}

TEST_F(chat, a_wrong_pin_is_unknown_key_and_no_stream_is_opened) {
  client_options options;
  options.server_keys.push_back(identity(9).public_half());
  options.reconnect.enabled = false;
  auto user = make(std::move(options));
  error_code connected;
  error_code sent;
  error_code accepted;
  const auto gateway = [&]() -> awaitable<void> {
    auto [failed, session] = co_await listener.async_accept(with_error);
    accepted = failed;
  };
  const auto whole = [&]() -> awaitable<void> {
    co_await (connect_to(user, connected) && send_to(user, "secret", sent) && gateway());
  };
  run(context, whole());
  EXPECT_EQ(connected, endpoint::endpoint_errc::unknown_key);
  EXPECT_EQ(sent, endpoint::endpoint_errc::unknown_key);
  EXPECT_EQ(accepted, endpoint::endpoint_errc::unknown_key);
  EXPECT_EQ(user.state(), client_state::closed);
}

TEST_F(chat, what_is_no_frame_is_a_lost_connection) {
  for (const auto* text : {"{}", "no JSON", R"({"type":"ack"})"}) {
    events.clear();
    auto user = make();
    error_code connected;
    const auto gateway = [&]() -> awaitable<void> {
      {
        visitor at;
        co_await greet(listener, at);
        co_await at.expect<hello_frame>();
        co_await at.say_text(text);
        EXPECT_FALSE(co_await at.next());
      }
      visitor again;
      co_await greet(listener, again);
      co_await again.expect<hello_frame>();
      co_await again.say(fresh());
    };
    const auto whole = [&]() -> awaitable<void> { co_await (connect_to(user, connected) && gateway()); };
    run(context, whole());
    EXPECT_FALSE(connected) << text;
    ASSERT_EQ(all<problem_met>().size(), 1u) << text;
    EXPECT_EQ(all<problem_met>()[0].why, client_errc::invalid_frame) << text;
  }
}

TEST_F(chat, texts_that_are_none_are_not_taken) {
  client_options options;
  options.max_queue = 1;
  auto user = make(std::move(options));
  std::array<error_code, 4> outcome;
  std::uint64_t id = 7;
  const auto whole = [&]() -> awaitable<void> {
    auto [failed, got] = co_await user.async_send("", with_error);
    EXPECT_FALSE(failed);
    id = got;
    co_await send_to(user, "\xff", outcome[0]);
    co_await send_to(user, std::string(max_content_bytes + 1, 'x'), outcome[1]);
    user.async_send("takes the one place", [](error_code, std::uint64_t) {});
    co_await send_to(user, "one too many", outcome[2]);
    co_await user.async_close();
    co_await send_to(user, "late", outcome[3]);
  };
  run(context, whole());
  EXPECT_EQ(id, 0u);
  EXPECT_EQ(outcome[0], client_errc::content_not_text);
  EXPECT_EQ(outcome[1], client_errc::content_too_large);
  EXPECT_EQ(outcome[2], client_errc::queue_full);
  EXPECT_EQ(outcome[3], client_errc::closed);
}

TEST_F(chat, cancelling_ends_the_waiting_and_nothing_else) {
  auto user = make();
  asio::cancellation_signal stop;
  error_code waited;
  error_code sent;
  error_code connected;
  const auto whole = [&]() -> awaitable<void> {
    user.async_connect(asio::bind_cancellation_slot(stop.slot(), [&](error_code failed) { waited = failed; }));
    co_await asio::post(on_any{});
    stop.emit(asio::cancellation_type::total);
    user.async_send("x", asio::bind_cancellation_slot(stop.slot(), [&](error_code failed, std::uint64_t id) {
                      sent = failed;
                      EXPECT_EQ(id, 1u);
                    }));
    co_await asio::post(on_any{});
    stop.emit(asio::cancellation_type::total);
    const auto gateway = [&]() -> awaitable<void> {
      visitor at;
      co_await greet(listener, at);
      co_await at.expect<hello_frame>();
      co_await at.say(fresh());
      EXPECT_EQ((co_await at.expect<text_frame>()).content, "x");
    };
    co_await (connect_to(user, connected) && gateway());
  };
  run(context, whole());
  EXPECT_EQ(waited, asio::error::operation_aborted);
  EXPECT_EQ(sent, asio::error::operation_aborted);
  EXPECT_FALSE(connected);
}

TEST_F(chat, a_stream_that_the_gateway_opens_is_reset) {
  auto user = make();
  const auto whole = [&]() -> awaitable<void> {
    visitor at;
    error_code connected;
    const auto gateway = [&]() -> awaitable<void> {
      co_await greet(listener, at);
      co_await at.expect<hello_frame>();
      co_await at.say(fresh());
      for (int i = 0; i < 2; ++i) {
        auto unasked = co_await at.session.async_open_stream(std::string{chat_stream_kind});
        char byte = 0;
        const auto [failed, bytes] = co_await unasked.async_read_some(asio::buffer(&byte, 1), with_error);
        EXPECT_EQ(failed, asio::error::connection_reset);
      }
    };
    co_await (connect_to(user, connected) && gateway());
  };
  run(context, whole());
  EXPECT_EQ(user.state(), client_state::open);
}

TEST_F(chat, a_gateway_that_goes_away_is_not_met_again_at_once) {
  raw_server server{context};
  for (const auto code : {ws::close_code::going_away, ws::close_code::try_again_later}) {
    client_options options;
    options.url = server.url();
    options.server_keys.push_back(identity().public_half());
    options.reconnect = {.enabled = true, .initial_delay = {}, .drain_spread = std::chrono::hours{24}};
    options.on_event = [this](const client_event& event) { events.push_back(event); };
    events.clear();
    auto user = client::create(context.get_executor(), std::move(options)).value();
    user.async_connect([](error_code /*told by events*/) {});
    const auto whole = [&]() -> awaitable<void> {
      auto socket = co_await server.accept();
      (void)co_await socket.async_close(code, "", ws_result);
      while (all<problem_met>().empty()) co_await asio::post(on_any{});
      // Whoever comes next is somebody else.
      const auto come = [&]() -> awaitable<void> {
        auto other = co_await raw_client(server.url());
        (void)co_await other.async_write_message(ws::message_kind::text, as_bytes("somebody else"), ws_result);
      };
      const auto meet = [&]() -> awaitable<void> {
        auto next = co_await server.accept();
        auto [failed, message] = co_await next.async_read_message(ws_result);
        EXPECT_FALSE(failed);
        EXPECT_EQ(as_text(message.payload), "somebody else");
      };
      co_await (come() && meet());
    };
    run(context, whole());
    EXPECT_EQ(user.state(), client_state::connecting);
  }
}

TEST_F(chat, destroying_the_client_ends_everything_without_a_word) {
  auto user = std::make_unique<client>(make());
  error_code sent;
  bool told = false;
  const auto whole = [&]() -> awaitable<void> {
    visitor at;
    error_code connected;
    user->async_send("x", [&](error_code failed, std::uint64_t) {
      sent = failed;
      told = true;
    });
    const auto gateway = [&]() -> awaitable<void> {
      co_await greet(listener, at);
      co_await at.expect<hello_frame>();
      co_await at.say(fresh());
      co_await at.expect<text_frame>();
    };
    co_await (connect_to(*user, connected) && gateway());
    const auto before = events.size();
    user.reset();
    EXPECT_FALSE(co_await at.next());
    EXPECT_EQ(events.size(), before);
  };
  run(context, whole());
  EXPECT_TRUE(told);
  EXPECT_EQ(sent, asio::error::operation_aborted);
}

TEST(client_options, are_checked) {
  asio::io_context context;
  const auto error_of = [&](const std::function<void(client_options&)>& change) {
    client_options options;
    options.url = "wss://chat.example/ws";
    options.server_keys.push_back(identity().public_half());
    change(options);
    const auto made = client::create(context.get_executor(), std::move(options));
    return made ? error_code{} : made.error();
  };
  using endpoint::endpoint_errc;
  for (const auto* url :
       {"wss://chat.example/ws", "https://chat.example/ws", "HTTPS://chat.example/ws", "ws://localhost:8080/ws",
        "http://localhost:8080/ws", "ws://127.0.0.1/ws", "ws://[::1]:1/ws"}) {
    EXPECT_FALSE(error_of([&](auto& options) { options.url = url; })) << url;
  }
  for (const auto* url : {"ws://chat.example/ws", "http://chat.example/ws", "ftp://chat.example", "chat.example",
                          "ws://192.168.0.1/ws", "wss://user@chat.example/ws"}) {
    EXPECT_EQ(error_of([&](auto& options) { options.url = url; }), endpoint_errc::transport_policy_denied) << url;
  }
  EXPECT_EQ(error_of([](auto& options) { options.url = " "; }), endpoint_errc::missing_ws_url);
  EXPECT_EQ(error_of([](auto& options) { options.server_keys.clear(); }), endpoint_errc::invalid_option);
  EXPECT_EQ(error_of([](auto& options) { options.max_queue = 0; }), endpoint_errc::invalid_option);
  EXPECT_EQ(error_of([](auto& options) { options.connect_timeout = 0ms; }), endpoint_errc::invalid_option);
  EXPECT_EQ(error_of([](auto& options) { options.reconnect.factor = 0; }), endpoint_errc::invalid_option);
  EXPECT_EQ(error_of([](auto& options) { options.suite = crypto::suite{9}; }), endpoint_errc::invalid_suite);
  EXPECT_FALSE(error_of([](auto& options) { options.metadata = std::string(max_metadata_bytes, 'x'); }));
  EXPECT_EQ(error_of([](auto& options) { options.metadata = std::string(max_metadata_bytes + 1, 'x'); }),
            client_errc::metadata_too_large);
  EXPECT_FALSE(error_of([](auto& options) { options.auth = std::string(max_auth_bytes, 'x'); }));
  EXPECT_EQ(error_of([](auto& options) { options.auth = std::string(max_auth_bytes + 1, 'x'); }),
            client_errc::metadata_too_large);
  EXPECT_EQ(error_of([](auto& options) { options.metadata = "\xff"; }), client_errc::metadata_too_large);
}

}  // namespace
}  // namespace flowersec::testing
