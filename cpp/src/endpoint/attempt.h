// One connection attempt with an artifact, and what it learns beside its error. Layer endpoint, private.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "flowersec/endpoint/artifact.h"

namespace flowersec::endpoint {

/// Written before the attempt completes.
struct attempt_hint {
  bool draining = false;  ///< the other side said that it is going away
};

struct attempt_outcome {
  error_code failed{};
  session up{};
};

/// Offers the scopes to their resolvers, then connects. The session runs on `executor`; the coroutine, and with it the
/// resolvers, where it is spawned. Cancellation, terminal: as of async_connect.
/// `artifact` must stay until it is over, and may go then.
[[nodiscard]] boost::asio::awaitable<attempt_outcome> attempt_connect(boost::asio::any_io_executor executor,
                                                                      const connect_artifact& artifact,
                                                                      connect_options options,
                                                                      std::shared_ptr<attempt_hint> hint);

/// The second half of it: pays no attention to scopes.
void start_attempt(boost::asio::any_io_executor executor, const connect_artifact& artifact, connect_options options,
                   std::shared_ptr<attempt_hint> hint, detail::connect_completion done);
/// To a server that is known by its public key.
void start_attempt(boost::asio::any_io_executor executor, const sealed_connect_info& info, connect_options options,
                   std::shared_ptr<attempt_hint> hint, detail::connect_completion done);

}  // namespace flowersec::endpoint
