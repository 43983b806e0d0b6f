// Clients of a running registry that say what a test wants: WebSockets from any loopback address, in the clear.
// Test support.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>

#include "flowersec/identity/legacy.h"
#include "flowersec/rendezvous/frames.h"
#include "flowersec/ws/message_reader.h"

namespace flowersec::testing {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
namespace rv = rendezvous;

inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// Identities by number; the same ones on each run.
inline identity::identity person(std::uint32_t number) {
  std::array<std::byte, identity::key_bytes> bytes{};
  // The lowest bits of the first byte mean nothing.
  for (std::size_t i = 0; i < 4; ++i) bytes[i + 1] = static_cast<std::byte>(number >> (8 * i));
  bytes[31] = std::byte{7};
  return identity::identity::from_private(bytes).value();
}
inline identity::public_key key_of(std::uint32_t number) { return person(number).key(); }

/// 127.0.x.y, from 127.0.1.0 on.
inline asio::ip::address loopback_number(unsigned number) { return asio::ip::address_v4{0x7F000100U + number}; }

inline tcp::endpoint endpoint_of(const std::string& host_port) {
  const auto colon = host_port.rfind(':');
  return {asio::ip::make_address(host_port.substr(0, colon)),
          static_cast<std::uint16_t>(std::stoi(host_port.substr(colon + 1)))};
}

class registry_client {
 public:
  /// The answer's head must be 101, else the client is empty.
  static awaitable<registry_client> open(tcp::endpoint to, asio::ip::address from, std::string path = "/rv/v1/ws") {
    registry_client made{co_await asio::this_coro::executor};
    made.socket_->open(tcp::v4());
    made.socket_->bind({from, 0});
    const auto host = to.address().to_string() + ':' + std::to_string(to.port());
    const std::string head = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://" + host +
                             "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    co_await made.socket_->async_connect(to, asio::use_awaitable);
    made.socket_->set_option(tcp::no_delay{true});
    co_await asio::async_write(*made.socket_, asio::buffer(head), asio::use_awaitable);
    asio::streambuf answer;
    const auto [failed, bytes] = co_await asio::async_read_until(*made.socket_, answer, "\r\n\r\n", as_result);
    const auto* begin = static_cast<const char*>(answer.data().data());
    if (failed || !std::string_view{begin, bytes}.starts_with("HTTP/1.1 101 ")) co_return registry_client{};
    const auto rest = answer.size() - bytes;
    if (rest > 0) {
      auto room = made.reader_->prepare();
      std::copy_n(reinterpret_cast<const std::byte*>(begin) + bytes, rest, room.begin());
      made.reader_->commit(rest);
    }
    co_return made;
  }

  registry_client() = default;
  explicit operator bool() const noexcept { return socket_ != nullptr; }

  awaitable<void> say_text(std::string text, ws::opcode op = ws::opcode::text) {
    const auto frame = ws::make_frame(op, as_bytes(text), ws::mask_key{});
    // At once, so that several coroutines may speak.
    error_code failed;
    asio::write(*socket_, asio::buffer(frame), failed);
    co_return;
  }
  awaitable<void> say(const rv::client_frame& frame) { return say_text(encode(frame)); }

  /// The next text; nullopt when the connection is over. Pings of the WebSocket are answered.
  awaitable<std::optional<std::string>> hear_text() {
    while (true) {
      auto event = reader_->next();
      if (const auto* message = std::get_if<ws::message_reader::message>(&event)) {
        co_return std::string{as_text(message->payload)};
      }
      if (const auto* control = std::get_if<ws::message_reader::control>(&event)) {
        if (control->op == ws::opcode::close) {
          close_code = control->payload.size() < 2 ? 0
                                                   : std::to_integer<int>(control->payload[0]) * 256 +
                                                         std::to_integer<int>(control->payload[1]);
          co_return std::nullopt;
        }
        if (control->op == ws::opcode::ping) {
          std::string pong{as_text(control->payload)};
          co_await say_text(std::move(pong), ws::opcode::pong);
        }
        continue;
      }
      if (std::holds_alternative<ws::ws_errc>(event)) co_return std::nullopt;
      const auto room = reader_->prepare();
      const auto [failed, bytes] = co_await socket_->async_read_some(asio::buffer(room.data(), room.size()), as_result);
      if (failed) co_return std::nullopt;
      reader_->commit(bytes);
    }
  }
  /// The next frame that is no ping of the registry; those are answered.
  awaitable<std::optional<rv::server_frame>> hear() {
    while (true) {
      const auto text = co_await hear_text();
      if (!text) co_return std::nullopt;
      auto frame = rv::decode_server_frame(*text);
      if (!frame) throw std::runtime_error("no frame: " + *text);
      const auto* ping = std::get_if<rv::ping_frame>(&*frame);
      if (ping == nullptr) co_return frame;
      co_await say(rv::pong_frame{.t = ping->t});
    }
  }
  template <class Frame>
  awaitable<Frame> hear_a() {
    auto frame = co_await hear();
    if (!frame || !std::holds_alternative<Frame>(*frame)) {
      throw std::runtime_error("another frame: " + (frame ? encode(*frame) : "none"));
    }
    co_return std::move(std::get<Frame>(*frame));
  }

  static rv::register_frame proof(const identity::identity& who, const rv::challenge_frame& challenge,
                                  bool replace = false, char instance = 'i') {
    const auto& registry = challenge.registry_keys.front();
    rv::register_frame frame{.key = who.key(), .registry_key = registry};
    frame.proof = identity::prove_registration(who, registry, challenge.challenge, replace).value();
    frame.instance.fill(static_cast<std::byte>(instance));
    frame.replace = replace;
    if (challenge.pow_bits) {
      frame.pow_nonce =
          identity::work_search::begin(challenge.challenge, who.key(), *challenge.pow_bits).value().look(100'000'000);
    }
    return frame;
  }
  /// Opens and registers.
  static awaitable<registry_client> registered(tcp::endpoint to, asio::ip::address from, std::uint32_t number,
                                               bool replace = false, char instance = 'i') {
    auto made = co_await open(to, from);
    if (!made) throw std::runtime_error("no upgrade");
    const auto challenge = co_await made.hear_a<rv::challenge_frame>();
    const auto who = person(number);
    const auto answer = proof(who, challenge, replace, instance);
    co_await made.say(answer);
    const auto done = co_await made.hear_a<rv::registered_frame>();
    if (done.key != who.key()) throw std::runtime_error("another key");
    co_return made;
  }

  void abort() {
    error_code ignored;
    socket_->close(ignored);
  }

  int close_code = 0;

 private:
  explicit registry_client(const asio::any_io_executor& executor)
      : socket_(std::make_unique<tcp::socket>(executor)),
        reader_(std::make_unique<ws::message_reader>(
            ws::role::client, ws::reader_limits{.max_message_bytes = 65'536, .max_block_bytes = 4'096})) {}

  std::unique_ptr<tcp::socket> socket_;
  std::unique_ptr<ws::message_reader> reader_;
};

}  // namespace flowersec::testing
