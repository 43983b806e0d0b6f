// Connect artifacts: what a client is handed to reach an endpoint, and connecting with one.
// Layer endpoint. Knows no HTTP and no scope: what a scope means is for the resolvers in the options.
// Source: CONTROLPLANE, "Connect artifact", "Scopes at connect".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "flowersec/endpoint/connect.h"
#include "flowersec/token/artifact.h"

namespace flowersec::endpoint {

/// What one attempt connects with. Used up by the attempt.
struct connect_artifact {
  std::variant<channel_init_grant, direct_connect_info> target;
  /// Correlation, for logs of several programs. Not secret.
  std::optional<std::string> trace_id{};
  std::optional<std::string> session_id{};
  /// Offered to the resolvers in this order.
  std::vector<artifact_scope> scoped{};

  [[nodiscard]] endpoint::path path() const noexcept {
    return std::holds_alternative<channel_init_grant>(target) ? path::tunnel : path::direct;
  }
};

/// The parts that connecting uses; tags are left out.
[[nodiscard]] connect_artifact to_connect_artifact(token::connect_artifact from);

/// Errors   automatic, validate/invalid_input: every rule of token::decode_connect_artifact().
[[nodiscard]] result<connect_artifact> read_connect_artifact(std::string_view json);

namespace detail {
void start_connect(boost::asio::any_io_executor executor, connect_artifact artifact, connect_options options,
                   connect_completion done);
}  // namespace detail

/// Connects as client as the artifact says. Signature void(error_code, session). Its ids go into the events.
/// Errors   validate/resolve_failed for a scope, before anything else is looked at; then those of connecting with what
///          is in it. Cancellation as there.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
auto async_connect(boost::asio::any_io_executor executor, connect_artifact artifact, connect_options options,
                   Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, session)>(
      [](auto handler, boost::asio::any_io_executor on, connect_artifact with, connect_options how) {
        detail::connect_completion done{std::move(handler), on};
        detail::start_connect(std::move(on), std::move(with), std::move(how), std::move(done));
      },
      token, std::move(executor), std::move(artifact), std::move(options));
}

}  // namespace flowersec::endpoint
