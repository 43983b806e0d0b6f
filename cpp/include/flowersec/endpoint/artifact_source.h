// Where a connection that is tried again gets its credentials from: every attempt needs fresh ones.
// Layer endpoint. Knows no HTTP: whoever fetches artifacts hands over a function. Source: RECONNECT, "Sources".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/endpoint/artifact.h"

namespace flowersec::endpoint {

struct artifact_request {
  /// Of the artifact before; for the first one what the caller configured.
  std::optional<std::string> trace_id{};
};

/// Gets one artifact. Cancelled (terminal cancellation) when nobody wants it any more. An exception counts as
/// validate/resolve_failed.
using artifact_function = std::function<boost::asio::awaitable<result<connect_artifact>>(artifact_request)>;

/// A handle: copies share the source and compare equal.
class artifact_source {
 public:
  /// No source: connecting is refused.
  artifact_source() = default;
  /// Yields this artifact, and fails from then on: validate/missing_grant or missing_connect_info.
  [[nodiscard]] static artifact_source once(connect_artifact artifact);
  /// Calls `acquire` for each attempt, never twice at once for one connection.
  [[nodiscard]] static artifact_source refreshable(artifact_function acquire);

  [[nodiscard]] explicit operator bool() const noexcept { return shared_ != nullptr; }
  [[nodiscard]] bool is_refreshable() const noexcept;
  /// Errors   of the source; validate/resolve_failed for an exception; validate/missing_grant without a source.
  [[nodiscard]] boost::asio::awaitable<result<connect_artifact>> acquire(artifact_request request) const;

  friend bool operator==(const artifact_source&, const artifact_source&) = default;

 private:
  struct shared;
  explicit artifact_source(std::shared_ptr<shared> state) noexcept : shared_(std::move(state)) {}

  std::shared_ptr<shared> shared_;
};

}  // namespace flowersec::endpoint
