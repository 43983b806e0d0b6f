#include "flowersec/endpoint/artifact_source.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <mutex>
#include <utility>

namespace flowersec::endpoint {
namespace {

error_code refused(endpoint_errc why) {
  return make_error({.path = path::automatic, .stage = stage::validate, .code = why});
}

}  // namespace

struct artifact_source::shared {
  artifact_function acquire;  // empty: yields once
  endpoint_errc when_used = endpoint_errc::missing_grant;
  std::mutex mutex;
  std::optional<connect_artifact> only;
};

artifact_source artifact_source::once(connect_artifact artifact) {
  auto made = std::make_shared<shared>();
  if (std::holds_alternative<direct_connect_info>(artifact.target)) {
    made->when_used = endpoint_errc::missing_connect_info;
  }
  made->only = std::move(artifact);
  return artifact_source{std::move(made)};
}

artifact_source artifact_source::refreshable(artifact_function acquire) {
  auto made = std::make_shared<shared>();
  made->acquire = std::move(acquire);
  return made->acquire ? artifact_source{std::move(made)} : artifact_source{};
}

bool artifact_source::is_refreshable() const noexcept { return shared_ && shared_->acquire; }

boost::asio::awaitable<result<connect_artifact>> artifact_source::acquire(artifact_request request) const {
  const auto state = shared_;  // `this` may be gone when the function resumes
  if (!state) co_return refused(endpoint_errc::missing_grant);
  if (!state->acquire) {
    const std::scoped_lock lock{state->mutex};
    auto artifact = std::exchange(state->only, std::nullopt);
    if (!artifact) co_return refused(state->when_used);
    co_return std::move(*artifact);
  }
  try {
    co_return co_await state->acquire(std::move(request));
  } catch (const boost::system::system_error& thrown) {
    if (thrown.code() == boost::asio::error::operation_aborted) throw;  // cancelled
  } catch (...) {  // NOLINT(bugprone-empty-catch): the program's own code; its text may hold secrets
  }
  co_return refused(endpoint_errc::resolve_failed);
}

}  // namespace flowersec::endpoint
