// A server endpoint for ever: registered at a control plane, attached to a tunnel for each client that asks for it.
// Layer endpoint. Knows no HTTP and issues nothing: a control plane sends the grants, over a direct session of which
// the endpoint is the client. Source: CONTROLPLANE, "Control connection"; RECONNECT, "A server endpoint".
//
//   endpoint::serve_options options;
//   options.control = read_direct_info(credential_file).value();
//   options.endpoint_id = "laptop";
//   options.control_connect.origin = options.attach.origin = "https://app.example";
//   options.router.on("echo", echo);
//   co_await endpoint::serve(executor, std::move(options));   // returns when it is cancelled or turned away for good
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "flowersec/endpoint/connect.h"
#include "flowersec/endpoint/reconnect_options.h"
#include "flowersec/endpoint/session.h"

namespace flowersec::endpoint {

/// Why a control plane turned an endpoint away. Each ends serve(): trying again is pointless.
enum class serve_errc {
  not_allowed = 1,     ///< the credential is for another endpoint id, or was revoked
  bad_endpoint_id,     ///< the control plane cannot use the id
  credential_refused,  ///< the handshake was refused as often as serve_options::max_refused_handshakes allows
};

[[nodiscard]] const char* describe(serve_errc code) noexcept;
[[nodiscard]] error_code make_error_code(serve_errc code) noexcept;

struct serve_options {
  /// The credential of this endpoint, and where its control plane is.
  direct_connect_info control{};
  /// Trimmed; 1 to token::max_endpoint_id_bytes bytes.
  std::string endpoint_id{};
  /// How the control plane is dialled. Its observer is told of every attempt, loss and wait.
  connect_options control_connect{};
  /// How tunnels are dialled, and the sessions with clients. The handshake time-out includes the wait for the client.
  connect_options attach{};
  /// Of the control connection; `enabled` is taken for granted.
  reconnect_options reconnect{.enabled = true, .max_attempts = std::numeric_limits<int>::max()};
  /// Of one registration; without an answer the connection is tried again. Above 0.
  std::chrono::milliseconds register_timeout = std::chrono::seconds{10};
  /// Refused handshakes in a row that end it; nullopt: none do. A control plane that cannot read its state refuses like
  /// one that does not know the credential, so a bound ends endpoints whose credential is good. At least 1.
  std::optional<std::int64_t> max_refused_handshakes = std::nullopt;
  /// Attaches under way and sessions at once: what clients can make us hold is this many sessions. Further grants wait,
  /// at most token::max_waiting_grants; one more is dropped, and the observer of `attach` is told. At least 1.
  std::size_t max_sessions = 256;
  /// Serves the streams of every session.
  stream_router router{};
  /// These run on the executor, one call at a time; what they throw is swallowed.
  /// The router of one session, for services that keep something for each. Without it, or when it throws: `router`.
  std::function<stream_router(const session&)> make_router{};
  /// A session that is being served. Copies keep it open.
  std::function<void(const session&)> on_session{};
  /// The endpoint is registered (success), was and is not (why), or its handshake was refused (why; each time).
  std::function<void(const error_code&)> on_registered{};
};

namespace detail {
void start_serving(boost::asio::any_io_executor executor, serve_options options,
                   ::flowersec::session::completion<error_code> done);
}  // namespace detail

/// Signature void(error_code). Completes when everything of it is over: the control connection, attaches, sessions.
/// Sessions outlive a lost control connection.
/// Cancellation  connect/canceled, after the sessions were closed in order.
/// Errors        validate/invalid_option, missing_origin: of the options, at once. Terminal errors of the control
///               connection, as reconnect_manager::async_connect. Those of serve_errc.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
auto serve(boost::asio::any_io_executor executor, serve_options options, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code)>(
      [](auto handler, boost::asio::any_io_executor on, serve_options how) {
        ::flowersec::session::completion<error_code> done{std::move(handler), on};
        detail::start_serving(std::move(on), std::move(how), std::move(done));
      },
      token, std::move(executor), std::move(options));
}

}  // namespace flowersec::endpoint

FLOWERSEC_REGISTER_ERRC(flowersec::endpoint::serve_errc)
