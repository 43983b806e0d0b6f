// The client's side of the artifact endpoints: one call, one artifact or one reason why not.
// Layer controlplane, part `client`, on the HTTP client. Decides where credentials may be sent; what to do about a
// refusal is the caller's. Source: CONTROLPLANE, "Asking for an artifact".
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "flowersec/controlplane/artifact_codec.h"
#include "flowersec/http/client.h"

namespace flowersec::controlplane {

/// Why a call brought no artifact, unless it was the transport: then it is an http::http_errc or the system's.
enum class artifact_errc {
  bad_request = 1,  ///< no endpoint id, a blank ticket, a payload that is no object, bad limits; nothing was sent
  transport_policy_denied,  ///< the URL is not one that credentials may be sent to; nothing was sent
  refused,                  ///< the controlplane answered with another status than 2xx
  bad_response,             ///< a 2xx answer without a valid artifact
};

[[nodiscard]] const char* describe(artifact_errc code) noexcept;
[[nodiscard]] error_code make_error_code(artifact_errc code) noexcept;

/// Programs decide on `cause`, `status` and `code`.
struct artifact_failure {
  error_code cause{};           ///< an artifact_errc, an http::http_errc, or the system's
  unsigned status = 0;          ///< of the answer; 0 when there was none
  std::string code{};           ///< what the controlplane called it, or "transport_policy_denied"; may be empty
  std::string message{};        ///< for people
  std::string response_body{};  ///< of a refusal; empty for a 2xx answer, which may hold secrets
};

/// Found by result::value() on a failure; throws boost::system::system_error.
[[noreturn]] void throw_exception_from_error(const artifact_failure& what, const boost::source_location& where);

using artifact_outcome = boost::system::result<token::connect_artifact, artifact_failure>;

/// Where a controlplane is and how it is called; good for any number of calls.
struct artifact_client_options {
  /// https with a host and without user-info or fragment. White space around it and slashes at its end do not count.
  std::string base_url{};
  /// nullopt means the default of the endpoint.
  std::optional<std::string> path{};
  /// Added to each call. A Content-Type replaces ours; an Authorization is replaced by the ticket of an entry call.
  std::vector<http::header> headers{};
  /// Also http, to `localhost`, `::1` and canonical dotted 127.0.0.0/8: credentials then cross this host in clear.
  bool allow_loopback_http = false;
  /// Time and size of one call. Redirects are answers unless following them is switched on here, and then they stay on
  /// the same origin.
  http::fetch_options fetching{.timeout = std::chrono::seconds{10}, .follow_redirects = false};
};

namespace detail {
using artifact_handler = boost::asio::any_completion_handler<void(artifact_outcome)>;
void start_artifact_request(boost::asio::any_io_executor executor, artifact_client_options options,
                            artifact_request request, std::optional<messages::sensitive_text> ticket,
                            artifact_handler handler);
}  // namespace detail

/// Asks for an artifact.
/// Completion    void(artifact_outcome)
/// Cancellation  terminal, partial and total; completes at once with asio::error::operation_aborted as cause
/// Limits        fetching.max_body_bytes, over which the answer is a failure that keeps its status
/// GCC 12 destroys braced temporaries of a co_await twice: give options and request names there.
template <typename Token = boost::asio::use_awaitable_t<>>
auto async_request_artifact(boost::asio::any_io_executor executor, artifact_client_options options,
                            artifact_request request, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(artifact_outcome)>(
      [](auto handler, boost::asio::any_io_executor ex, artifact_client_options how, artifact_request what) {
        detail::start_artifact_request(std::move(ex), std::move(how), std::move(what), {}, std::move(handler));
      },
      token, std::move(executor), std::move(options), std::move(request));
}

/// The same on the entry endpoint, with the ticket as bearer. The ticket is trimmed and must not be blank.
template <typename Token = boost::asio::use_awaitable_t<>>
auto async_request_entry_artifact(boost::asio::any_io_executor executor, artifact_client_options options,
                                  artifact_request request, messages::sensitive_text ticket, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(artifact_outcome)>(
      [](auto handler, boost::asio::any_io_executor ex, artifact_client_options how, artifact_request what,
         messages::sensitive_text bearer) {
        detail::start_artifact_request(std::move(ex), std::move(how), std::move(what), std::move(bearer),
                                       std::move(handler));
      },
      token, std::move(executor), std::move(options), std::move(request), std::move(ticket));
}

}  // namespace flowersec::controlplane

FLOWERSEC_REGISTER_ERRC(flowersec::controlplane::artifact_errc)
