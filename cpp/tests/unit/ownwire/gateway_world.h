// A gateway on loopback with users and internal clients on real sockets.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>
#include <vector>

#include "flowersec/base/json.h"
#include "flowersec/base/json_frame.h"
#include "flowersec/endpoint/connect.h"
#include "flowersec/ownwire/frames.h"
#include "flowersec/ownwire/gateway.h"
#include "flowersec/ownwire/internal_frames.h"
#include "flowersec/ws/connect.h"
#include "support/random_sources.h"
#include "support/run_coroutine.h"

namespace flowersec::ownwire {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
inline const tcp::endpoint any_loopback_port{asio::ip::address_v4::loopback(), 0};

inline sealed::key_pair identity() {
  testing::seeded_random random{7};
  return sealed::key_pair::generate(random).value();
}

inline gateway_options usual_options() {
  gateway_options options;
  options.credentials =
      endpoint::sealed_credentials::of(sealed::keyring{{.key = identity(), .created_at = unix_seconds{1}}});
  options.public_port = public_port_options{.listen = any_loopback_port};
  options.internal_port.listen = any_loopback_port;
  return options;
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
inline ws::connect_options extended_options() { return {.subprotocol = std::string{extended_subprotocol}}; }

/// The user's half of the stream ownwire/chat.
class test_user {
 public:
  endpoint::session session{};
  stream chat{};

  static awaitable<test_user> open(std::string url, std::string origin = {}) {
    if (origin.empty()) origin = "http" + url.substr(2, url.rfind('/') - 2);
    endpoint::sealed_connect_info info{.ws_url = std::move(url), .server_keys = {identity().public_half()}};
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

/// What a server answers to one request in clear.
inline awaitable<std::string> ask(std::uint16_t port, std::string request) {
  tcp::socket socket{co_await asio::this_coro::executor};
  const tcp::endpoint to{asio::ip::address_v4::loopback(), port};
  co_await socket.async_connect(to, asio::use_awaitable);
  co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
  std::string answer;
  std::array<char, 4096> buffer;
  while (true) {
    const auto [failed, bytes] = co_await socket.async_read_some(asio::buffer(buffer), as_result);
    if (failed) co_return answer;
    answer.append(buffer.data(), bytes);
    if (answer.starts_with("HTTP/1.1 101")) co_return answer;
  }
}

/// A request for an upgrade, with further header lines.
inline std::string upgrade_request(std::string_view path, std::string_view host, std::string_view more = {}) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: " + std::string{host} +
         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
         std::string{more} + "\r\n";
}

struct gateway_world {
  explicit gateway_world(gateway_options options = usual_options())
      : gate{gateway::open(context.get_executor(), std::move(options)).value()} {}
  /// The gateway lives elsewhere than those who talk to it.
  gateway_world(asio::any_io_executor of_gateway, gateway_options options)
      : gate{gateway::open(std::move(of_gateway), std::move(options)).value()} {}

  void run(awaitable<void> body, std::chrono::seconds limit = 20s) { testing::run(context, std::move(body), limit); }
  [[nodiscard]] std::string public_url() const {
    return "ws://127.0.0.1:" + std::to_string(gate.public_port()) + "/ws";
  }
  [[nodiscard]] std::string internal_url(std::string_view path = "/ws") const {
    return "ws://127.0.0.1:" + std::to_string(gate.internal_port()) + std::string{path};
  }

  asio::io_context context;
  gateway gate;
};

}  // namespace flowersec::ownwire
