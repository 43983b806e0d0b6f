// A session on a WebSocket that somebody else has upgraded: one listener can serve several paths, or pages beside them.
// Layer endpoint. The same admission as direct_listener, from the upgrade on. Source: PROTOCOL, "Endpoint, direct",
// "Sealed open".
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/system_executor.hpp>
#include <utility>
#include <variant>

#include "flowersec/endpoint/credentials.h"
#include "flowersec/endpoint/options.h"
#include "flowersec/endpoint/session.h"
#include "flowersec/ws/message_socket.h"

namespace flowersec::endpoint {

namespace detail {

using accept_completion = ::flowersec::session::completion<error_code, session>;
using any_credential = std::variant<fixed_credential, credential_resolver, sealed_credentials>;
void start_accept(ws::message_socket socket, any_credential credential, common_options options, accept_completion done);

template <class Token>
auto initiate_accept(ws::message_socket socket, any_credential credential, common_options options, Token&& token) {
  return boost::asio::async_initiate<Token, void(error_code, session)>(
      [](auto handler, ws::message_socket on, any_credential with, common_options how) {
        const auto fallback = on ? on.get_executor() : boost::asio::any_io_executor{boost::asio::system_executor{}};
        accept_completion done{std::move(handler), fallback};
        start_accept(std::move(on), std::move(with), std::move(how), std::move(done));
      },
      token, std::move(socket), std::move(credential), std::move(options));
}

}  // namespace detail

/// Reads the open message, opens what is sealed in it and goes on as a direct server. Signature
/// void(error_code, session).
/// What fails before the handshake is answered with close code 1008 and one of the reasons `open_timeout`,
/// `invalid_open`, `unknown_key`; later failures drop the connection. Limits on the source of the connection are the
/// caller's, before this.
/// Executor       the socket's; a boost::asio::strand<any_io_executor> if several threads run it. The session runs
///                there, and so does a completion that names no executor.
/// Cancellation   handshake/canceled, nothing stays open. The client hears a normal close; its part in that has
///                socket_options::close_timeout.
/// Limits         credentials.open_timeout; options.session.handshake_timeout over all of it, from the call on;
///                sealed::max_open_bytes.
/// Errors         validate/missing_conn, invalid_option; handshake/timeout (open_timeout among them), invalid_open,
///                unknown_key, and those of a direct handshake.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_accept_sealed(ws::message_socket socket, sealed_credentials credentials, common_options options,
                         Token&& token = {}) {
  return detail::initiate_accept(std::move(socket), std::move(credentials), std::move(options),
                                 std::forward<Token>(token));
}

/// The same for a client that knows its key already. As above, without an open message.
/// Errors   also those of fixed_credential::from.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_accept(ws::message_socket socket, fixed_credential credential, common_options options, Token&& token = {}) {
  return detail::initiate_accept(std::move(socket), std::move(credential), std::move(options),
                                 std::forward<Token>(token));
}

template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_accept(ws::message_socket socket, credential_resolver resolver, common_options options, Token&& token = {}) {
  return detail::initiate_accept(std::move(socket), std::move(resolver), std::move(options),
                                 std::forward<Token>(token));
}

}  // namespace flowersec::endpoint
