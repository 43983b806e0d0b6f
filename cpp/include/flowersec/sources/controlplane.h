// Artifacts from a control plane, one for each attempt of a connection that comes back.
// Layer sources. Knows how to ask and what a refusal means for the next attempt. Source: RECONNECT, "Sources".
//
//   sources::controlplane_source asking;
//   asking.client.base_url = "https://control.example";
//   asking.client.headers = {{"Authorization", "Bearer " + key}};
//   asking.endpoint_id = "laptop";
//   auto connection = co_await endpoint::async_connect(executor, sources::from_controlplane(executor, asking), options,
//                                                      endpoint::reconnect_options{.enabled = true});
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <optional>
#include <string>

#include "flowersec/controlplane/artifact_client.h"
#include "flowersec/endpoint/artifact_source.h"

namespace flowersec::sources {

/// What is asked for, and where.
struct controlplane_source {
  controlplane::artifact_client_options client{};
  std::string endpoint_id{};             ///< required
  std::optional<std::string> payload{};  ///< text of a JSON object for the issuer
  /// Set: the entry endpoint is asked, with this ticket.
  std::optional<messages::sensitive_text> entry_ticket{};
  /// Hears of each refusal: status, code and message of the control plane, which the error of the attempt does not
  /// have. What it throws is swallowed.
  std::function<void(const controlplane::artifact_failure&)> on_failure{};
};

/// The trace id of the connection goes with each request. `executor` runs the requests.
/// Errors   of an acquisition, path automatic: validate/transport_policy_denied for a URL that credentials may not be
///          sent to; validate/invalid_option for a request that makes no sense; a refusal whose code is a terminal one
///          of the error model has that code; connect/canceled; anything else is validate/resolve_failed, and a later
///          attempt may have more luck.
[[nodiscard]] endpoint::artifact_source from_controlplane(boost::asio::any_io_executor executor,
                                                          controlplane_source what);

}  // namespace flowersec::sources
