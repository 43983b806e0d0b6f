// The HTTP side of the service: which path is whose, and what is counted of it.
// Layer apps. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>

#include "controlplane/demo_routes.h"
#include "controlplane/issuing.h"
#include "controlplane/options.h"
#include "flowersec/http/server.h"

namespace flowersec::apps::plane {

/// Artifacts and health. What it is made of outlives it.
class front {
 public:
  front(issuing& artifacts, messages::sensitive_text bearer_key, controlplane::state_store& store,
        plane_metrics& metrics);
  /// For demonstrations: callers need no key, and there are no tickets.
  front(issuing& artifacts, demo_routes demo, controlplane::state_store& store, plane_metrics& metrics);

  void operator()(http::request request, http::responder answer) const;
  /// For the requests to come; the key before is worth nothing from now on.
  void replace_bearer_key(messages::sensitive_text bearer_key);
  /// For a request that could not be read.
  [[nodiscard]] http::response refuse_unread(unsigned status, const http::request& head) const;

 private:
  /// A word of ours for the path; "other" for what is not served.
  [[nodiscard]] std::string_view route_of(std::string_view path) const;
  [[nodiscard]] http::response readiness() const;

  issuing& artifacts_;
  controlplane::artifact_endpoint normal_;
  std::optional<controlplane::artifact_endpoint> entry_;
  std::optional<demo_routes> demo_;
  controlplane::state_store& store_;
  plane_metrics& metrics_;
};

}  // namespace flowersec::apps::plane
