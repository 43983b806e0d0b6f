// A chat client over loopback sockets, and the gateway's end of its connections, which says what a test tells it to.
// Test support.
#pragma once

#include "flowersec/ownwire/client.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>

#include "flowersec/base/json_frame.h"
#include "unit/endpoint/sealed_fixture.h"

namespace flowersec::testing {
using namespace ownwire;                                  // NOLINT
using namespace asio::experimental::awaitable_operators;  // NOLINT
using asio::use_awaitable_t;
using on_any = use_awaitable_t<asio::any_io_executor>;

/// The gateway's end of one connection.
class visitor {
 public:
  /// The next frame; nullopt at the end.
  awaitable<std::optional<user_frame>> next() {
    while (true) {
      if (splitter_.consume(rest_) == json_frame_splitter::status::frame) {
        auto frame = decode_user_frame(splitter_.text());
        EXPECT_TRUE(frame) << splitter_.text();
        if (!frame) co_return std::nullopt;
        co_return std::move(*frame);
      }
      auto [failed, bytes] = co_await stream.async_read_some(asio::buffer(block_), with_error);
      if (failed) co_return std::nullopt;
      rest_ = byte_view{block_.data(), bytes};
    }
  }
  template <class Frame>
  awaitable<Frame> expect() {
    auto frame = co_await next();
    if (!frame || !std::holds_alternative<Frame>(*frame)) throw std::runtime_error{"another frame was expected"};
    co_return std::get<Frame>(std::move(*frame));
  }
  awaitable<void> say(gateway_frame frame) { co_await say_text(encode(frame)); }
  awaitable<void> say_text(std::string text) {
    const auto bytes = encode_json_frame(text);
    (void)co_await asio::async_write(stream, asio::buffer(bytes), with_error);
  }

  endpoint::session session;
  flowersec::stream stream;

 private:
  json_frame_splitter splitter_{max_chat_frame_bytes};
  std::array<std::byte, 4096> block_;
  byte_view rest_;
};

inline awaitable<void> greet(endpoint::direct_listener& listener, visitor& into) {
  into.session = co_await listener.async_accept();
  while (true) {
    auto in = co_await into.session.async_accept_stream();
    if (in.kind != chat_stream_kind) continue;
    into.stream = std::move(in.stream);
    co_return;
  }
}

inline welcome_frame fresh(std::string session = "s1", std::string token = "t1") {
  return {.session_id = std::move(session), .resume_token = std::move(token)};
}

inline welcome_frame resumed(std::uint64_t last_id, std::string token = "t2") {
  return {.session_id = "s1", .resume_token = std::move(token), .resumed = true, .last_id = last_id};
}

class chat : public ::testing::Test {
 protected:
  client make(client_options options = {}) {
    options.url = listener.url();
    if (options.server_keys.empty()) options.server_keys.push_back(identity().public_half());
    options.origin = dial_options().origin;
    options.reconnect.initial_delay = std::chrono::milliseconds{0};
    if (!options.on_event) options.on_event = [this](const client_event& event) { events.push_back(event); };
    return client::create(context.get_executor(), std::move(options)).value();
  }

  template <class Event>
  std::vector<Event> all() const {
    std::vector<Event> found;
    for (const auto& event : events) {
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
    }
    return found;
  }

  asio::io_context context;
  endpoint::direct_listener listener = sealed_listener(context);
  std::vector<client_event> events;
};

inline awaitable<void> connect_to(client& with, error_code& outcome) {
  auto [failed] = co_await with.async_connect(with_error);
  outcome = failed;
}

inline awaitable<void> send_to(client& with, std::string text, error_code& outcome) {
  auto [failed, id] = co_await with.async_send(std::move(text), with_error);
  outcome = failed;
}

}  // namespace flowersec::testing
