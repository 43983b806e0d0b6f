// RPC that outlives sessions: handlers are set once and hear every session that comes.
// Layer endpoint. Has what typed clients ask of a session, so that generated code runs over it unchanged.
// Threads: every member may be called from any thread. Source: RECONNECT, "RPC across sessions".
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "flowersec/endpoint/session.h"

namespace flowersec::endpoint {

/// A handle: copies share the proxy.
class rpc_proxy {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Handlers without an executor of their own run on `executor` when there is no session.
  explicit rpc_proxy(executor_type executor);

  [[nodiscard]] executor_type get_executor() const noexcept;

  /// Over this session from now on; notifications of an earlier one are no longer heard.
  void attach(session to);
  void detach() { attach({}); }

  /// As session::async_call; rpc/not_connected at once when there is no session. Nothing is queued or repeated.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, rpc::reply)) Token = default_token>
  auto async_call(std::uint32_t type_id, std::string payload, rpc_call_options options, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, rpc::reply)>(
        [](auto handler, rpc_proxy self, std::uint32_t type, std::string text, rpc_call_options how) {
          auto over = self.current();
          if (!over)
            return completion<error_code, rpc::reply>{std::move(handler), self.get_executor()}.complete(gone(), {});
          over.async_call(type, std::move(text), how, std::move(handler));
        },
        token, *this, type_id, std::move(payload), options);
  }
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, rpc::reply)) Token = default_token>
  auto async_call(std::uint32_t type_id, std::string payload, Token&& token = {}) {
    return async_call(type_id, std::move(payload), rpc_call_options{}, std::forward<Token>(token));
  }

  /// As session::async_notify; rpc/not_connected at once when there is no session.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
  auto async_notify(std::uint32_t type_id, std::string payload, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, rpc_proxy self, std::uint32_t type, std::string text) {
          auto over = self.current();
          if (!over) return completion<error_code>{std::move(handler), self.get_executor()}.complete(gone());
          over.async_notify(type, std::move(text), std::move(handler));
        },
        token, *this, type_id, std::move(payload));
  }

  /// As session::on_notification, for this session and every one after it.
  remove_handler on_notification(std::uint32_t type_id, std::function<void(const std::string& payload)> fn);

 private:
  template <class... Args>
  using completion = ::flowersec::session::completion<Args...>;
  class shared;

  [[nodiscard]] session current() const;
  [[nodiscard]] static error_code gone() noexcept;

  std::shared_ptr<shared> shared_;
};

}  // namespace flowersec::endpoint
