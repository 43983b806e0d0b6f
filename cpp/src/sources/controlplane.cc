#include "flowersec/sources/controlplane.h"

#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "flowersec/endpoint/error.h"

namespace flowersec::sources {
namespace {

namespace asio = boost::asio;
using controlplane::artifact_errc;
using controlplane::artifact_failure;
using endpoint::endpoint_errc;
using endpoint::stage;

error_code failed_at(stage where, endpoint_errc what) {
  return endpoint::make_error({.path = endpoint::path::automatic, .stage = where, .code = what});
}

error_code error_of(const artifact_failure& failure) {
  if (failure.cause == asio::error::operation_aborted) return failed_at(stage::connect, endpoint_errc::canceled);
  if (failure.cause == artifact_errc::transport_policy_denied) {
    return failed_at(stage::validate, endpoint_errc::transport_policy_denied);
  }
  if (failure.cause == artifact_errc::bad_request) return failed_at(stage::validate, endpoint_errc::invalid_option);
  // A control plane may say in the words of the error model that asking again is pointless.
  const auto said = endpoint::parse_endpoint_errc(failure.code);
  const bool final = said && failure.cause == artifact_errc::refused && endpoint::is_terminal(*said) &&
                     endpoint::is_legal(stage::validate, *said);
  return failed_at(stage::validate, final ? *said : endpoint_errc::resolve_failed);
}

void report(const controlplane_source& asked, const artifact_failure& failure) noexcept {
  if (!asked.on_failure) return;
  try {
    asked.on_failure(failure);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the program's own code
  }
}

asio::awaitable<result<endpoint::connect_artifact>> acquire(asio::any_io_executor executor,
                                                            std::shared_ptr<const controlplane_source> asked,
                                                            std::optional<std::string> trace_id) {
  // Named: GCC 12 destroys aggregates twice that are made inside a co_await expression.
  auto options = asked->client;
  controlplane::artifact_request request{
      .endpoint_id = asked->endpoint_id, .payload = asked->payload, .trace_id = std::move(trace_id)};
  controlplane::artifact_outcome outcome = artifact_failure{};
  if (asked->entry_ticket) {
    auto ticket = asked->entry_ticket->clone();
    outcome = co_await controlplane::async_request_entry_artifact(executor, std::move(options), std::move(request),
                                                                  std::move(ticket));
  } else {
    outcome = co_await controlplane::async_request_artifact(executor, std::move(options), std::move(request));
  }
  if (outcome) co_return endpoint::to_connect_artifact(*std::move(outcome));
  report(*asked, outcome.error());
  co_return error_of(outcome.error());
}

}  // namespace

endpoint::artifact_source from_controlplane(asio::any_io_executor executor, controlplane_source what) {
  auto asked = std::make_shared<const controlplane_source>(std::move(what));
  return endpoint::artifact_source::refreshable(
      [executor = std::move(executor), asked = std::move(asked)](endpoint::artifact_request request) {
        return acquire(executor, asked, std::move(request.trace_id));
      });
}

}  // namespace flowersec::sources
