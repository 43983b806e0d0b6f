// Connecting with an artifact: scopes first, then what every connection does.
#include "flowersec/endpoint/artifact.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <tuple>
#include <utility>

#include "attempt.h"
#include "plan.h"
#include "teller.h"

namespace flowersec::endpoint {
namespace {

namespace asio = boost::asio;

constexpr auto as_result = asio::as_tuple(default_token{});

/// Asks one resolver. What it throws is a refusal: the program's own code, whose text may hold secrets.
asio::awaitable<bool> resolve(scope_resolver ask, artifact_scope scope) {
  bool accepted = false;
  try {
    const auto answer = co_await ask(std::move(scope));
    accepted = answer.has_value();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
  co_return accepted;
}

asio::awaitable<error_code> resolve_scopes(const connect_artifact& artifact, const connect_options& options,
                                           teller events) {
  const auto refused = error_info{artifact.path(), stage::validate, endpoint_errc::resolve_failed};
  for (const auto& scope : artifact.scoped) {
    const auto found = options.scope_resolvers.find(scope.scope);
    if (found == options.scope_resolvers.end() || !found->second) {
      if (scope.critical) co_return make_error(refused);
      events.tell("scope", "scope_ignored_missing_resolver", event_result::skip);
      continue;
    }
    const bool accepted = co_await resolve(found->second, scope);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      // Nobody is told: connecting has not begun.
      co_return make_error(error_info{artifact.path(), stage::connect, endpoint_errc::canceled});
    }
    if (accepted) continue;
    if (scope.critical || !options.relaxed_optional_scopes) co_return make_error(refused);
    events.tell("scope", "scope_ignored_relaxed_validation", event_result::skip);
  }
  co_return error_code{};
}

/// One async_connect: the coroutine runs on a strand, where it is cancelled.
struct connecting {
  connecting(asio::any_io_executor executor, detail::connect_completion whom)
      : serial(std::move(executor)), done(std::move(whom)) {}

  asio::strand<asio::any_io_executor> serial;
  detail::connect_completion done;
  asio::cancellation_signal stop;
  bool stopped = false;
};

asio::awaitable<attempt_outcome> connect_with(asio::any_io_executor executor, connect_artifact artifact,
                                              connect_options options) {
  co_return co_await attempt_connect(std::move(executor), artifact, std::move(options),
                                     std::make_shared<attempt_hint>());
}

}  // namespace

connect_artifact to_connect_artifact(token::connect_artifact from) {
  connect_artifact made{.target = std::move(from.body)};
  made.scoped = std::move(from.scoped);
  if (from.correlation) {
    made.trace_id = std::move(from.correlation->trace_id);
    made.session_id = std::move(from.correlation->session_id);
  }
  return made;
}

result<connect_artifact> read_connect_artifact(std::string_view json) {
  auto read = token::decode_connect_artifact(json);
  if (!read) return failure(path::automatic, stage::validate, endpoint_errc::invalid_input);
  return to_connect_artifact(*std::move(read));
}

asio::awaitable<attempt_outcome> attempt_connect(asio::any_io_executor executor, const connect_artifact& artifact,
                                                 connect_options options, std::shared_ptr<attempt_hint> hint) {
  // One queue and one beginning for the events of scopes and of connecting.
  auto& common = options.common;
  common.events = queued_observer::over(executor, common.events, common.context.max_queued_items);
  attempt_outcome outcome;
  if (!artifact.scoped.empty()) {
    teller events{executor, artifact.path(), common};
    if (common.events && !common.context.attempt_began) common.context.attempt_began = events.began();
    outcome.failed = co_await resolve_scopes(artifact, options, std::move(events));
    if (outcome.failed) co_return outcome;
  }
  std::tie(outcome.failed, outcome.up) =
      co_await asio::async_initiate<const decltype(as_result)&, void(error_code, session)>(
          [&](auto handler) {
            start_attempt(executor, artifact, std::move(options), std::move(hint), {std::move(handler), executor});
          },
          as_result);
  co_return outcome;
}

void detail::start_connect(asio::any_io_executor executor, connect_artifact artifact, connect_options options,
                           connect_completion done) {
  auto& context = options.common.context;
  if (artifact.trace_id) context.trace_id = artifact.trace_id;
  if (artifact.session_id) context.session_id = artifact.session_id;
  const auto mine = std::make_shared<connecting>(executor, std::move(done));
  mine->done.on_cancel([weak = std::weak_ptr{mine}] {
    const auto self = weak.lock();
    if (!self) return;
    asio::dispatch(self->serial, [self] {
      self->stopped = true;
      self->stop.emit(asio::cancellation_type::terminal);
    });
  });
  asio::dispatch(mine->serial, [mine, executor, artifact = std::move(artifact),
                                options = std::move(options)]() mutable {
    const auto on = artifact.path();
    const auto canceled = failure(on, stage::connect, endpoint_errc::canceled);
    if (mine->stopped) return mine->done.complete(canceled, {});
    auto over = [mine, canceled](const std::exception_ptr& thrown, attempt_outcome outcome) {
      if (thrown) outcome.failed = canceled;  // nothing else leaves the coroutine
      mine->done.complete(outcome.failed, std::move(outcome.up));
    };
    asio::co_spawn(mine->serial, connect_with(executor, std::move(artifact), std::move(options)),
                   asio::bind_cancellation_slot(mine->stop.slot(), asio::bind_executor(mine->serial, std::move(over))));
  });
}

}  // namespace flowersec::endpoint
