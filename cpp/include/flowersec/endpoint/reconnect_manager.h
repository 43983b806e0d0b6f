// A connection that comes back: fetches an artifact, connects, watches, and does it again.
// Layer endpoint. Source: RECONNECT. Threads: every member may be called from any thread.
//
//   auto connection = co_await async_connect(executor, source, options, reconnect_options{.enabled = true});
//   connection.rpc().on_notification(7, hear);        // of this session and of every later one
//   auto stream = co_await connection.current().async_open_stream("files");
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "flowersec/endpoint/artifact_source.h"
#include "flowersec/endpoint/connection_state.h"
#include "flowersec/endpoint/reconnect_options.h"
#include "flowersec/endpoint/rpc_proxy.h"

namespace flowersec::endpoint {

struct reconnect_config {
  artifact_source source{};
  /// For every attempt. The trace id of its context is what the first artifact is asked for with.
  connect_options connect{};
  reconnect_options reconnect{};
  /// Part of every attempt: readies a session before anybody sees it, for example by telling the peer who this is. An
  /// error closes it and fails the attempt; an exception counts as rpc/rpc_failed. Cancelled with the attempt.
  std::function<boost::asio::awaitable<error_code>(session)> prepare{};
};

/// A listener hears changes while this lives. It may still be running when cancel() returns.
class state_subscription {
 public:
  state_subscription() = default;
  explicit state_subscription(std::function<void()> stop) noexcept : stop_(std::move(stop)) {}
  state_subscription(state_subscription&& other) noexcept : stop_(std::exchange(other.stop_, nullptr)) {}
  state_subscription& operator=(state_subscription&& other) noexcept {
    cancel();
    stop_ = std::exchange(other.stop_, nullptr);
    return *this;
  }
  ~state_subscription() { cancel(); }

  void cancel() noexcept {
    if (const auto stop = std::exchange(stop_, nullptr)) stop();
  }

 private:
  std::function<void()> stop_;
};

/// A handle: copies share the connection. It is given up when async_disconnect is called or the last handle is gone.
class reconnect_manager {
 public:
  using executor_type = boost::asio::any_io_executor;
  using state_listener = std::function<void(const connection_state&)>;

  /// Disconnected. `executor` runs the sessions too; one with several threads is fine.
  explicit reconnect_manager(executor_type executor);

  [[nodiscard]] executor_type get_executor() const noexcept;
  [[nodiscard]] connection_state state() const;
  /// The session of the moment, or none. Copies keep it open: hold one no longer than the work on it takes.
  [[nodiscard]] session current() const { return state().session; }
  /// Over whatever session there is.
  [[nodiscard]] rpc_proxy rpc() const;

  /// Calls `listener` with the state as it is, then with every change, one call at a time, on the executor. What it
  /// throws is swallowed.
  [[nodiscard]] state_subscription on_state(state_listener listener);

  /// Replaces whatever there is. Signature void(error_code, session): the first session, or why there is none.
  /// Cancellation  {connect, canceled}: the manager is disconnected.
  /// Errors        validate/invalid_option: bad reconnect options, no source, or one that yields once together with
  ///               enabled ones; nothing has changed then. The error of the last attempt. connect/canceled: another
  ///               connect or a disconnect came.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
  auto async_connect(reconnect_config config, Token&& token = {}) {
    return initiate(std::move(config), false, std::forward<Token>(token));
  }
  /// The same unless a connect with the same source, origin, observer and reconnect options is under way or has
  /// succeeded: then it shares the outcome. Cancellation of a caller that shares ends its waiting only.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, session)) Token = default_token>
  auto async_connect_if_needed(reconnect_config config, Token&& token = {}) {
    return initiate(std::move(config), true, std::forward<Token>(token));
  }
  /// Ends the wait, the attempt, the session. Signature void(error_code): when all of it is over. Harmless twice.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
  auto async_disconnect(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, reconnect_manager self) {
          self.start_disconnect({std::move(handler), self.get_executor()});
        },
        token, *this);
  }

  class impl;  ///< internal

 private:
  template <class... Args>
  using completion = ::flowersec::session::completion<Args...>;
  struct shared;

  template <class Token>
  auto initiate(reconnect_config config, bool if_needed, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, session)>(
        [](auto handler, reconnect_manager self, reconnect_config with, bool only_if_needed) {
          self.start_connect(std::move(with), only_if_needed, {std::move(handler), self.get_executor()});
        },
        token, *this, std::move(config), if_needed);
  }
  void start_connect(reconnect_config config, bool if_needed, completion<error_code, session> done);
  void start_disconnect(completion<error_code> done);

  std::shared_ptr<shared> shared_;
};

/// Fetches, connects and keeps connected. Signature void(error_code, reconnect_manager); the manager is there in any
/// case, and after a failure in state error. Cancellation and errors as reconnect_manager::async_connect.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, reconnect_manager)) Token = default_token>
auto async_connect(boost::asio::any_io_executor executor, artifact_source source, connect_options options,
                   reconnect_options reconnect, Token&& token = {}) {
  return boost::asio::async_initiate<Token, void(error_code, reconnect_manager)>(
      [](auto handler, reconnect_manager manager, reconnect_config with) {
        const auto slot = boost::asio::get_associated_cancellation_slot(handler);
        const auto place = boost::asio::get_associated_executor(handler, manager.get_executor());
        auto finish = [manager, inner = std::move(handler)](error_code failed, const session&) mutable {
          std::move(inner)(failed, manager);
        };
        manager.async_connect(std::move(with), boost::asio::bind_cancellation_slot(
                                                   slot, boost::asio::bind_executor(place, std::move(finish))));
      },
      token, reconnect_manager{std::move(executor)},
      reconnect_config{.source = std::move(source), .connect = std::move(options), .reconnect = reconnect});
}

}  // namespace flowersec::endpoint
