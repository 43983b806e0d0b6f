// Two ends of a session over a loopback socket in one process, for tests of generated services.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <ctime>
#include <functional>

#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/direct_listener.h"
#include "support/run_coroutine.h"

namespace flowersec::testing {

using session_body = std::function<boost::asio::awaitable<void>(endpoint::session)>;
using both_ends_body = std::function<boost::asio::awaitable<void>(endpoint::session client, endpoint::session server)>;

inline endpoint::rpc_router_factory always(rpc::router router) {
  return [shared = std::move(router)](const endpoint::rpc_peer&) { return shared; };
}

inline boost::asio::awaitable<void> serve_until_closed(endpoint::session session, endpoint::rpc_router_factory make) {
  co_await session.async_serve(endpoint::stream_router{}.on_rpc(std::move(make)),
                               boost::asio::as_tuple(endpoint::default_token{}));
}

inline boost::asio::awaitable<void> run_ends(endpoint::direct_listener& listener, endpoint::direct_connect_info info,
                                             endpoint::rpc_router_factory of_client,
                                             endpoint::rpc_router_factory of_server, both_ends_body body) {
  const auto executor = co_await boost::asio::this_coro::executor;
  endpoint::session server;
  boost::asio::steady_timer accepted{executor, std::chrono::seconds{15}};
  boost::asio::co_spawn(
      executor,
      [&]() -> boost::asio::awaitable<void> {
        server = co_await listener.async_accept();
        accepted.cancel();
      },
      boost::asio::detached);
  endpoint::connect_options options;
  options.origin = "https://app.example";
  options.policy = endpoint::transport_policy::unsafe_loopback_plaintext();
  auto client = co_await endpoint::async_connect(executor, std::move(info), options);
  if (!server) co_await accepted.async_wait(boost::asio::as_tuple(endpoint::default_token{}));
  boost::asio::co_spawn(executor, serve_until_closed(server, std::move(of_server)), boost::asio::detached);
  boost::asio::co_spawn(executor, serve_until_closed(client, std::move(of_client)), boost::asio::detached);
  co_await body(client, server);
  co_await client.async_close(boost::asio::as_tuple(endpoint::default_token{}));
  listener.close();
}

inline void with_both(endpoint::rpc_router_factory of_client, endpoint::rpc_router_factory of_server,
                      both_ends_body body) {
  boost::asio::io_context context;
  endpoint::direct_connect_info info;
  info.channel_id = "typed-calls";
  info.e2ee_psk_b64u = messages::sensitive_text{crypto::psk::generate(system_random()).value().to_base64url()};
  info.channel_init_expire_at_unix_s = std::time(nullptr) + 60;
  info.default_suite = messages::direct::v1::suite::x25519_hkdf_sha256_aes_256_gcm;
  endpoint::listen_options options;
  options.allowed_origins = {"https://app.example"};
  auto listener =
      endpoint::direct_listener::open(context.get_executor(), endpoint::fixed_credential::from(info).value(), options)
          .value();
  info.ws_url = listener.url();
  run(context, run_ends(listener, std::move(info), std::move(of_client), std::move(of_server), std::move(body)));
}

inline void with_both(rpc::router of_client, rpc::router of_server, both_ends_body body) {
  with_both(always(std::move(of_client)), always(std::move(of_server)), std::move(body));
}

/// The body has the client's session; the server serves.
inline void with_session(endpoint::rpc_router_factory of_server, session_body body) {
  with_both(always({}), std::move(of_server),
            [body = std::move(body)](endpoint::session client, const endpoint::session&) { return body(client); });
}
inline void with_session(rpc::router of_server, session_body body) {
  with_session(always(std::move(of_server)), std::move(body));
}

/// Until `done`, or after a few round trips it fails: what was sent before a round trip has arrived after it.
template <class Done>
boost::asio::awaitable<void> settle(endpoint::session session, Done done) {
  for (int i = 0; i < 100 && !done(); ++i) co_await session.async_probe();
  EXPECT_TRUE(done()) << "still waiting";
}

}  // namespace flowersec::testing
