// Those who talk to a chat gateway, on real sockets: users of the public port and programs on the internal one.
// Test support.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>
#include <utility>

#include "flowersec/base/json.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/ownwire/frames.h"
#include "flowersec/ws/connect.h"
#include "support/random_sources.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

/// Lets everything else go on until the condition holds.
template <class Condition>
awaitable<void> until(Condition condition) {
  while (!condition()) co_await asio::post(asio::use_awaitable);
}

inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
inline const tcp::endpoint any_loopback_port{asio::ip::address_v4::loopback(), 0};

inline sealed::key_pair identity() {
  testing::seeded_random random{7};
  return sealed::key_pair::generate(random).value();
}

// GCC 12 destroys braced temporaries inside a co_await expression twice: frames are made here.
inline user_frame text(std::uint64_t id, std::string content) {
  return text_frame{.id = id, .content = std::move(content)};
}
inline user_frame received(std::uint64_t seq) { return received_frame{.seq = seq}; }
inline user_frame typing() { return typing_frame{.on = true}; }
inline user_frame bye() { return bye_frame{}; }
inline gateway_frame acked(std::uint64_t id) { return ack_frame{.id = id}; }
inline gateway_frame typing_on() { return typing_frame{.on = true}; }
inline hello_frame hello_with(std::string metadata, std::string auth) {
  return {.metadata = std::move(metadata), .resume = {}, .auth = std::move(auth)};
}
inline hello_frame resume_with(std::string token) { return {.metadata = {}, .resume = std::move(token), .auth = {}}; }

/// The user's half of the stream ownwire/chat.
class test_user {
 public:
  endpoint::session session{};
  stream chat{};

  static awaitable<test_user> open(std::string url, std::string origin = {},
                                   sealed::public_key key = identity().public_half()) {
    if (origin.empty()) origin = "http" + url.substr(2, url.rfind('/') - 2);
    endpoint::sealed_connect_info info{.ws_url = std::move(url), .server_keys = {key}};
    endpoint::connect_options options{.origin = std::move(origin)};
    options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
    test_user user;
    const std::string kind{chat_stream_kind};
    user.session = co_await endpoint::async_connect(co_await asio::this_coro::executor, std::move(info),
                                                    std::move(options), asio::use_awaitable);
    user.chat = co_await user.session.async_open_stream(kind, asio::use_awaitable);
    co_return user;
  }

  awaitable<void> say(user_frame frame) {
    const auto bytes = encode_json_frame(encode(frame));
    co_await asio::async_write(chat, asio::buffer(bytes), as_result);
  }

  /// The next frame; nullopt when the gateway has closed its half, or the session is over.
  awaitable<std::optional<gateway_frame>> hear() {
    while (true) {
      byte_view rest{pending_};
      const auto status = splitter_.consume(rest);
      pending_.erase(pending_.begin(), pending_.end() - static_cast<std::ptrdiff_t>(rest.size()));
      if (status == json_frame_splitter::status::frame) co_return decode_gateway_frame(splitter_.text());
      std::array<std::byte, 4096> buffer;
      const auto [failed, bytes] = co_await chat.async_read_some(asio::buffer(buffer), as_result);
      if (failed) co_return std::nullopt;
      pending_.insert(pending_.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
  }

  awaitable<welcome_frame> join() { return join(hello_frame{}); }
  awaitable<welcome_frame> join(hello_frame hello) {
    user_frame first = std::move(hello);
    co_await say(std::move(first));
    const auto frame = co_await hear();
    co_return frame ? std::get<welcome_frame>(*frame) : welcome_frame{};
  }

 private:
  json_frame_splitter splitter_{max_chat_frame_bytes};
  byte_buffer pending_;
};

/// The site owner's program.
class test_client {
 public:
  ws::message_socket socket{};

  static awaitable<test_client> open(std::string url) { return open(std::move(url), ws::connect_options{}); }
  static awaitable<test_client> open(std::string url, ws::connect_options options) {
    auto target = ws::parse_url(url).value();
    test_client client;
    client.socket = co_await ws::async_connect(co_await asio::this_coro::executor, std::move(target),
                                               std::move(options), asio::use_awaitable);
    co_return client;
  }

  awaitable<void> send(std::string text) {
    co_await socket.async_write_message(ws::message_kind::text, as_bytes(text), as_result);
  }
  awaitable<void> reply(std::string session_id, std::string content) {
    std::string out;
    json_object_writer{out}.field("session_id", session_id).field("content", content).end();
    co_await send(std::move(out));
  }
  /// The next message as JSON; empty at the end.
  awaitable<boost::json::object> hear() {
    const auto [failed, message] = co_await socket.async_read_message(as_result);
    if (failed) co_return boost::json::object{};
    co_return parse_json_object(as_text(message.payload), max_internal_frame_bytes).value();
  }
  /// Code of the close frame that ends the connection.
  awaitable<std::uint16_t> closed() {
    while (true) {
      const auto [failed, message] = co_await socket.async_read_message(as_result);
      if (!failed) continue;
      const auto& said = socket.peer_close();
      co_return said ? said->code.value_or(0) : 0;
    }
  }
};

}  // namespace flowersec::ownwire
