// Getting a session: client through the tunnel, client to a direct endpoint, server through the tunnel; a client of a
// direct endpoint either has the key of a channel or knows the public key of the endpoint.
// Layer endpoint. Source: PROTOCOL, "Client through a tunnel", "Client, direct", "Sealed open", "Endpoint through
// a tunnel".
#pragma once

#include "flowersec/endpoint/options.h"
#include "flowersec/endpoint/session.h"
#include "flowersec/messages/controlplane_v1.h"
#include "flowersec/messages/direct_v1.h"
#include "flowersec/sealed/key.h"

namespace flowersec::endpoint {

/// A direct endpoint in public-key mode: no secret in it, so it may be published.
struct sealed_connect_info {
  std::string ws_url;
  /// The keys that the server may have, the one to use first. They must come from where nobody on the way to the server
  /// has a say. At least one; more let a program outlive a rotation.
  std::vector<sealed::public_key> server_keys;
  crypto::suite default_suite = crypto::suite::x25519;
};

using channel_init_grant = messages::controlplane::v1::channel_init_grant;
using direct_connect_info = messages::direct::v1::direct_connect_info;

namespace detail {
using connect_completion = ::flowersec::session::completion<error_code, session>;
void start_connect(boost::asio::any_io_executor executor, channel_init_grant grant, connect_options options,
                   connect_completion done);
void start_connect(boost::asio::any_io_executor executor, direct_connect_info info, connect_options options,
                   connect_completion done);
void start_connect(boost::asio::any_io_executor executor, sealed_connect_info info, connect_options options,
                   connect_completion done);
void start_attach_server(boost::asio::any_io_executor executor, channel_init_grant grant, connect_options options,
                         connect_completion done);
}  // namespace detail

/// Connects as client through the tunnel that the grant names. Signature void(error_code, session).
/// `executor` runs the session; one with several threads is fine. The token of the grant is used up by the attempt,
/// whatever comes of it, once the tunnel has seen it.
/// Cancellation, at any point: {connect | attach | handshake}/canceled, nothing stays open.
/// Errors   in the order of the steps: stage validate (no network activity), connect, attach, handshake, yamux, rpc.
///          Each leaves nothing open.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_connect(boost::asio::any_io_executor executor, channel_init_grant grant, connect_options options,
                   Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, session)>(
      [](auto handler, boost::asio::any_io_executor on, channel_init_grant with, connect_options how) {
        detail::connect_completion done{std::move(handler), on};
        detail::start_connect(std::move(on), std::move(with), std::move(how), std::move(done));
      },
      token, std::move(executor), std::move(grant), std::move(options));
}

/// Connects as client to an endpoint's own WebSocket. As above; `endpoint_instance_id` is refused.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_connect(boost::asio::any_io_executor executor, direct_connect_info info, connect_options options,
                   Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, session)>(
      [](auto handler, boost::asio::any_io_executor on, direct_connect_info with, connect_options how) {
        detail::connect_completion done{std::move(handler), on};
        detail::start_connect(std::move(on), std::move(with), std::move(how), std::move(done));
      },
      token, std::move(executor), std::move(info), std::move(options));
}

/// Connects as client to a direct endpoint in public-key mode: makes a channel and its key, seals the key to the first
/// of the server's, and goes on as above. Each call makes others, so an info is good for any number of attempts.
/// Errors   beside those of a direct connect: validate/invalid_option without a server key, invalid_input for one that
///          nothing can be sealed to. handshake/unknown_key and invalid_open are what somebody on the other side said.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_connect(boost::asio::any_io_executor executor, sealed_connect_info info, connect_options options,
                   Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, session)>(
      [](auto handler, boost::asio::any_io_executor on, sealed_connect_info with, connect_options how) {
        detail::connect_completion done{std::move(handler), on};
        detail::start_connect(std::move(on), std::move(with), std::move(how), std::move(done));
      },
      token, std::move(executor), std::move(info), std::move(options));
}

/// Attaches to the tunnel in the server role and waits for the client. As above.
/// The handshake time-out includes that wait: raise `options.common.session.handshake_timeout` to wait longer than 10
/// s, or attach just in time.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_attach_server(boost::asio::any_io_executor executor, channel_init_grant grant, connect_options options,
                         Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, session)>(
      [](auto handler, boost::asio::any_io_executor on, channel_init_grant with, connect_options how) {
        detail::connect_completion done{std::move(handler), on};
        detail::start_attach_server(std::move(on), std::move(with), std::move(how), std::move(done));
      },
      token, std::move(executor), std::move(grant), std::move(options));
}

}  // namespace flowersec::endpoint
