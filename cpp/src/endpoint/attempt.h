// One connection attempt with an artifact, and what it learns beside its error. Layer endpoint, private.
#pragma once

#include <memory>

#include "flowersec/endpoint/artifact_source.h"
#include "flowersec/endpoint/connect.h"

namespace flowersec::endpoint {

/// Written before the attempt completes.
struct attempt_hint {
  bool draining = false;  ///< the other side said that it is going away
};

void start_attempt(boost::asio::any_io_executor executor, const connect_artifact& artifact, connect_options options,
                   std::shared_ptr<attempt_hint> hint, detail::connect_completion done);

}  // namespace flowersec::endpoint
