// The gateway on real sockets: users in public-key mode, internal clients on WebSockets.
#include <boost/asio/detached.hpp>

#include "flowersec/sealed/box.h"
#include "flowersec/sealed/open_message.h"
#include "gateway_world.h"

namespace flowersec::ownwire {
namespace {

using namespace std::string_literals;

/// As a page of the gateway's own host.
ws::connect_options from_page(const gateway_world& world) {
  const auto url = world.public_url();
  return {.origin = "http" + url.substr(2, url.rfind('/') - 2)};
}

awaitable<void> talk(gateway_world& world) {
  auto client = co_await test_client::open(world.internal_url());
  auto user = co_await test_user::open(world.public_url());
  const auto welcome = co_await user.join(hello_with("username:user1", "signed"));
  EXPECT_EQ(welcome.session_id.size(), 36U);
  co_await user.say(text(1, "hello"));
  const auto heard = co_await client.hear();
  EXPECT_EQ(heard.size(), 3U);
  EXPECT_EQ(heard.at("content").as_string(), "hello");
  EXPECT_EQ(heard.at("session_id").as_string(), welcome.session_id);
  EXPECT_EQ(heard.at("metadata").as_string(), "username:user1");
  EXPECT_EQ(co_await user.hear(), acked(1));
  co_await client.reply(welcome.session_id, "hi");
  const gateway_frame reply = reply_frame{.seq = 1, .content = "hi"};
  EXPECT_EQ(co_await user.hear(), reply);
  co_await user.say(received(1));
}

TEST(gateway, a_text_and_its_reply) {
  gateway_world world;
  world.run(talk(world));
}

awaitable<void> send_a_lot(gateway_world& world) {
  auto client = co_await test_client::open(world.internal_url());
  auto user = co_await test_user::open(world.public_url());
  const auto welcome = co_await user.join();
  const std::string big(65'536, 'a');
  co_await user.say(text(1, big));
  const auto heard = co_await client.hear();
  EXPECT_EQ(heard.at("content").as_string(), big);
  EXPECT_EQ(co_await user.hear(), acked(1));
  for (std::uint64_t seq = 1; seq <= 12; ++seq) co_await client.reply(welcome.session_id, big);
  for (std::uint64_t seq = 1; seq <= 12; ++seq) {
    const gateway_frame reply = reply_frame{.seq = seq, .content = big};
    EXPECT_EQ(co_await user.hear(), reply);
  }
}

TEST(gateway, the_largest_texts) {
  gateway_world world;
  world.run(send_a_lot(world));
}

awaitable<void> come_back(gateway_world& world) {
  auto client = co_await test_client::open(world.internal_url());
  welcome_frame first;
  {
    auto user = co_await test_user::open(world.public_url());
    first = co_await user.join();
    co_await user.say(text(1, "before"));
    co_await client.hear();
    co_await user.session.async_close(as_result);
  }
  co_await client.reply(first.session_id, "while away");
  auto user = co_await test_user::open(world.public_url());
  const auto again = co_await user.join(resume_with(first.resume_token));
  EXPECT_TRUE(again.resumed);
  EXPECT_EQ(again.session_id, first.session_id);
  EXPECT_EQ(again.last_id, 1U);
  const gateway_frame missed = reply_frame{.seq = 1, .content = "while away"};
  EXPECT_EQ(co_await user.hear(), missed);
  // A page that copied the token.
  auto thief = co_await test_user::open(world.public_url());
  const auto taken = co_await thief.join(resume_with(again.resume_token));
  EXPECT_TRUE(taken.resumed);
  const gateway_frame displaced = error_frame{.code = chat_error::session_taken, .fatal = true};
  EXPECT_EQ(co_await user.hear(), displaced);
  EXPECT_EQ(co_await user.hear(), std::nullopt);
}

TEST(gateway, a_session_is_taken_up_again) {
  gateway_world world;
  world.run(come_back(world));
}

awaitable<void> open_more_streams(gateway_world& world) {
  auto user = co_await test_user::open(world.public_url());
  co_await user.join();
  for (const auto& kind : {"ownwire/chat"s, "ownwire/internal"s, "other"s}) {
    auto second = co_await user.session.async_open_stream(kind, asio::use_awaitable);
    std::array<std::byte, 1> byte;
    const auto [failed, bytes] = co_await second.async_read_some(asio::buffer(byte), as_result);
    EXPECT_EQ(failed, asio::error::connection_reset) << kind;
  }
  co_await user.say(text(1, std::string(65'537, 'a')));
  const gateway_frame lives = error_frame{.code = chat_error::content_too_large, .id = 1, .fatal = false};
  EXPECT_EQ(co_await user.hear(), lives);
}

TEST(gateway, further_streams_are_reset) {
  gateway_world world;
  world.run(open_more_streams(world));
}

awaitable<void> break_frames(gateway_world& world, std::string bytes) {
  auto user = co_await test_user::open(world.public_url());
  co_await user.join();
  co_await asio::async_write(user.chat, asio::buffer(bytes), as_result);
  const gateway_frame invalid = error_frame{.code = chat_error::invalid_frame, .fatal = true};
  EXPECT_EQ(co_await user.hear(), invalid);
  EXPECT_EQ(co_await user.hear(), std::nullopt);
}

TEST(gateway, what_is_no_frame_is_fatal) {
  gateway_world world;
  world.run(break_frames(world, "\0\0\0\0"s));
  world.run(break_frames(world, "\0\4\0\1"s));  // 256 KiB and a byte
  world.run(break_frames(world, "\0\0\0\2[]"s));
}

awaitable<void> wait_without_hello(gateway_world& world) {
  auto user = co_await test_user::open(world.public_url());
  const gateway_frame late = error_frame{.code = chat_error::invalid_frame, .fatal = true};
  EXPECT_EQ(co_await user.hear(), late);
  EXPECT_EQ(co_await user.hear(), std::nullopt);
}

TEST(gateway, hello_has_its_time) {
  auto options = usual_options();
  options.limits.hello_timeout = 2s;
  gateway_world world{std::move(options)};
  world.run(wait_without_hello(world));
}

awaitable<void> speak_extended(gateway_world& world) {
  auto client = co_await test_client::open(world.internal_url(), extended_options());
  EXPECT_EQ(client.socket.subprotocol(), "ownwire.v2");
  auto user = co_await test_user::open(world.public_url());
  const auto welcome = co_await user.join(hello_with("m", "signed"));
  auto heard = co_await client.hear();
  EXPECT_EQ(heard.at("type").as_string(), "session_start");
  EXPECT_EQ(heard.at("auth").as_string(), "signed");
  EXPECT_EQ(heard.at("remote_addr").as_string(), "127.0.0.1");
  co_await client.send(R"({"type":"typing","session_id":")" + welcome.session_id + R"(","on":true})");
  EXPECT_EQ(co_await user.hear(), typing_on());
  co_await client.send(R"({"type":"message","content":"welcome","message_id":7,"session_id":")" + welcome.session_id +
                       R"("})");
  const gateway_frame greeting = reply_frame{.seq = 1, .content = "welcome"};
  EXPECT_EQ(co_await user.hear(), greeting);
  co_await user.say(received(1));
  heard = co_await client.hear();
  EXPECT_EQ(heard.at("type").as_string(), "delivered");
  EXPECT_EQ(heard.at("message_id").as_int64(), 7);
  co_await user.say(typing());
  heard = co_await client.hear();
  EXPECT_EQ(heard.at("type").as_string(), "typing");
  co_await user.say(text(1, "x"));
  heard = co_await client.hear();
  EXPECT_EQ(heard.at("type").as_string(), "message");
  EXPECT_EQ(heard.at("message_id").as_int64(), 1);
  co_await user.say(bye());
  heard = co_await client.hear();
  EXPECT_EQ(heard.at("type").as_string(), "session_end");
  EXPECT_EQ(heard.at("reason").as_string(), "bye");
  co_await client.reply(welcome.session_id, "late");
  heard = co_await client.hear();
  EXPECT_EQ(heard.at("type").as_string(), "error");
  EXPECT_EQ(heard.at("code").as_string(), "session_unknown");
}

TEST(gateway, extended_dialect) {
  gateway_world world;
  world.run(speak_extended(world));
}

awaitable<void> send_binary(gateway_world& world) {
  auto client = co_await test_client::open(world.internal_url());
  const std::string text = "{}";
  co_await client.socket.async_write_message(ws::message_kind::binary, as_bytes(text), as_result);
  EXPECT_EQ(co_await client.closed(), 1003);
}

awaitable<void> send_too_much(gateway_world& world) {
  auto client = co_await test_client::open(world.internal_url());
  co_await client.send(std::string(max_internal_frame_bytes, ' '));  // not JSON: ignored
  co_await client.send(std::string(max_internal_frame_bytes + 1, ' '));
  EXPECT_EQ(co_await client.closed(), 1009);
}

TEST(gateway, an_internal_client_sends_texts_of_at_most_a_mebibyte) {
  gateway_world world;
  world.run(send_binary(world));
  world.run(send_too_much(world));
}

awaitable<void> stop_it(gateway_world& world) {
  auto client = co_await test_client::open(world.internal_url());
  auto user = co_await test_user::open(world.public_url());
  co_await user.join();
  world.gate.async_stop(asio::detached);
  const gateway_frame told = error_frame{.code = chat_error::shutting_down, .fatal = true};
  EXPECT_EQ(co_await user.hear(), told);
  co_await user.chat.async_shutdown_send(as_result);
  EXPECT_EQ(co_await user.hear(), std::nullopt);
  EXPECT_EQ(co_await client.closed(), 1001);
  co_await world.gate.async_stop(as_result);
  EXPECT_EQ(world.gate.counts().sockets, 0U);
  EXPECT_EQ(world.gate.counts().internal_clients, 0U);
}

TEST(gateway, stops_in_order) {
  gateway_world world;
  world.run(stop_it(world));
}

std::string open_message() {
  const auto psk = crypto::psk::generate(system_random()).value();
  const auto key = identity();
  return encode(
      sealed::open_message{.channel_id = "channel",
                           .kid = key.kid(),
                           .suite = crypto::suite::x25519,
                           .sealed = sealed::seal(key.public_half(), "channel", psk, system_random()).value()});
}

/// Sockets that got as far as the upgrade, the open message, the handshake of the encrypted link.
awaitable<void> stop_among_arrivals(gateway_world& world) {
  auto silent = co_await test_client::open(world.public_url(), from_page(world));
  auto opened = co_await test_client::open(world.public_url(), from_page(world));
  co_await opened.send(open_message());
  auto link = co_await test_client::open(world.internal_url("/e2ee"));
  co_await until([&] { return world.gate.counts().sockets == 2; });
  bool stopped = false;
  world.gate.async_stop([&](error_code) { stopped = true; });
  EXPECT_EQ(co_await silent.closed(), 1001);
  EXPECT_EQ(co_await opened.closed(), 1001);
  EXPECT_EQ(co_await link.closed(), 1001);
  EXPECT_FALSE(stopped) << "it waits for their part";
  silent.socket.abort();
  opened.socket.abort();
  link.socket.abort();
  co_await world.gate.async_stop(as_result);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(world.gate.counts().sockets, 0U);
}

TEST(gateway, a_stop_tells_those_who_are_nobody_yet) {
  auto options = usual_options();
  options.internal_port.link = internal_link_credential{"link", crypto::psk::generate(system_random()).value()};
  gateway_world world{std::move(options)};
  world.run(stop_among_arrivals(world));
}

/// One that upgrades and answers nothing, not even pings. Returns at the end of the connection.
awaitable<void> say_nothing_to(std::uint16_t port) {
  tcp::socket socket{co_await asio::this_coro::executor};
  co_await socket.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
  const auto request = upgrade_request("/ws", "h", {});
  co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
  std::string heard;
  const auto [ended, bytes] = co_await asio::async_read(socket, asio::dynamic_buffer(heard), as_result);
  EXPECT_EQ(ended, asio::error::eof);
  EXPECT_TRUE(heard.starts_with("HTTP/1.1 101 ")) << heard;
  EXPECT_TRUE(heard.ends_with("\x89\0"s)) << "pings before the end";
}

TEST(gateway, drops_who_is_silent) {
  auto options = usual_options();
  options.limits.ping_after = 20ms;
  options.limits.silence_limit = 2s;
  gateway_world world{std::move(options)};
  world.run(say_nothing_to(world.gate.internal_port()));
}

awaitable<void> stay_after_the_stop(gateway_world& world) {
  auto user = co_await test_user::open(world.public_url());
  co_await user.join();
  const auto [failed] = co_await world.gate.async_stop(as_result);
  EXPECT_FALSE(failed);
  EXPECT_EQ(world.gate.counts().sockets, 0U) << "although the user has closed nothing";
}

TEST(gateway, a_stop_cuts_off_who_is_left_in_the_end) {
  auto options = usual_options();
  options.limits.stop_timeout = 50ms;
  gateway_world world{std::move(options)};
  world.run(stay_after_the_stop(world));
}

/// Past the handshake, without the first frame or the stream.
awaitable<void> stop_before_hello(gateway_world& world) {
  auto user = co_await test_user::open(world.public_url());
  endpoint::sealed_connect_info info{.ws_url = world.public_url(), .server_keys = {identity().public_half()}};
  endpoint::connect_options options{.origin = "http" + world.public_url().substr(2, world.public_url().rfind('/') - 2)};
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  auto session = co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(info),
                                                  std::move(options), asio::use_awaitable);
  const gateway_frame told = error_frame{.code = chat_error::shutting_down, .fatal = true};
  co_await until([&] { return world.gate.counts().sockets == 2; });
  world.gate.async_stop(asio::detached);
  EXPECT_EQ(co_await user.hear(), told);
  auto [failed, none] = co_await session.async_accept_stream(as_result);
  EXPECT_TRUE(failed);
  co_await world.gate.async_stop(as_result);
  EXPECT_EQ(world.gate.counts().sockets, 0U);
}

TEST(gateway, a_stop_waits_for_sessions_without_a_stream) {
  gateway_world world;
  world.run(stop_before_hello(world));
}

}  // namespace
}  // namespace flowersec::ownwire
