// A direct listener and a client on loopback, for the tests of the endpoint layer.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <ctime>

#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/direct_listener.h"
#include "support/run_coroutine.h"
#include "support/secret_watch.h"

namespace flowersec::testing {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

inline constexpr auto with_error = asio::as_tuple(endpoint::default_token{});

inline const std::string& psk_text() {
  static const std::string text = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
  testing_support::secret_watch::instance().remember(text);
  return text;
}

inline endpoint::direct_connect_info info_for(std::string url, std::uint16_t suite = 1) {
  endpoint::direct_connect_info info;
  info.ws_url = std::move(url);
  info.channel_id = "channel";
  info.e2ee_psk_b64u = messages::sensitive_text{psk_text()};
  info.channel_init_expire_at_unix_s = std::time(nullptr) + 60;
  info.default_suite = static_cast<messages::direct::v1::suite>(suite);
  return info;
}

inline endpoint::connect_options dial_options() {
  endpoint::connect_options options;
  options.origin = "https://app.example";
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  return options;
}

inline endpoint::listen_options listening() {
  endpoint::listen_options options;
  options.allowed_origins = {"https://app.example"};
  return options;
}

inline endpoint::direct_listener listen_on(asio::io_context& context, endpoint::listen_options options = listening(),
                                           std::uint16_t suite = 1) {
  auto credential = endpoint::fixed_credential::from(info_for("", suite));
  return endpoint::direct_listener::open(context.get_executor(), std::move(credential.value()), std::move(options))
      .value();
}

/// Both ends of one session.
struct both {
  endpoint::session client;
  endpoint::session server;
};

inline awaitable<both> connect_both(endpoint::direct_listener& listener,
                                    endpoint::connect_options options = dial_options(), std::uint16_t suite = 1) {
  both ends;
  ends.client = co_await endpoint::async_connect(co_await asio::this_coro::executor, info_for(listener.url(), suite),
                                                 std::move(options));
  ends.server = co_await listener.async_accept();
  co_return ends;
}

/// Runs `body` with a connected pair.
template <class Body>
void with_session(Body body, endpoint::connect_options options = dial_options(),
                  endpoint::listen_options accept = listening(), std::uint16_t suite = 1) {
  asio::io_context context;
  auto listener = listen_on(context, std::move(accept), suite);
  const auto whole = [&]() -> awaitable<void> {
    auto ends = co_await connect_both(listener, options, suite);
    co_await body(std::move(ends));
  };
  run(context, whole());
}

}  // namespace flowersec::testing
