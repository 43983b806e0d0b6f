// A connected session: what applications hold.
// Layer endpoint. Both roles and both paths look the same from here on. Source: PROTOCOL, "After connect".
// Threads: every member may be called from any thread; handlers run on their own executor, or on the session's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "flowersec/endpoint/error.h"
#include "flowersec/session/completion.h"
#include "flowersec/session/rpc.h"
#include "flowersec/session/stream.h"

namespace flowersec::endpoint {

/// Token used when none is given: `co_await session.async_ping()`.
using default_token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>;

enum class role : std::uint8_t { client = 1, server = 2 };

using rpc_call_options = ::flowersec::session::call_options;
using rpc_peer = ::flowersec::session::rpc_peer;
using rpc_router_factory = ::flowersec::session::rpc_router_factory;
using remove_handler = ::flowersec::session::remove_handler;

/// The stream kind that carries RPC.
inline constexpr std::string_view rpc_stream_kind = "rpc";

using incoming_stream = ::flowersec::session::incoming_stream;

/// How a session ended.
struct termination {
  bool closed_here = false;  ///< by async_close or by dropping the last handle
  error_info info;           ///< {close, not_connected} when the peer, the tunnel or the network ended it
  error_code cause;          ///< of the layer that noticed, for logs
};

/// Handlers by stream kind. Fill it, then serve it; it is not changed while it serves.
/// A stream whose kind has no handler is reset. When a handler returns, its stream is closed in order: the peer reads
/// everything that was written, and what it sent and nobody read is discarded. It is reset when the handler threw, was
/// cancelled, or left a write under way. A handler may also pass the stream on, by moving it elsewhere.
class stream_router {
 public:
  using handler = std::function<boost::asio::awaitable<void>(flowersec::stream)>;

  stream_router& on(std::string kind, handler serve) {
    handlers_.insert_or_assign(std::move(kind), std::move(serve));
    return *this;
  }
  /// Serves RPC on streams of kind "rpc" with the same handlers for each.
  stream_router& on_rpc(rpc::router router) {
    return on_rpc([shared = std::move(router)](const rpc_peer&) { return shared; });
  }
  /// The same with handlers made for each rpc stream, which may keep the peer they are given to notify it. They must
  /// not keep the session: it would never end.
  stream_router& on_rpc(rpc_router_factory make_router) {
    rpc_ = std::move(make_router);
    return *this;
  }

  [[nodiscard]] const handler* find(std::string_view kind) const {
    const auto found = handlers_.find(kind);
    return found == handlers_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const rpc_router_factory& rpc() const noexcept { return rpc_; }

 private:
  std::map<std::string, handler, std::less<>> handlers_;
  rpc_router_factory rpc_;
};

/// A handle: copies share the session. It is closed when async_close is called or the last handle is gone; streams do
/// not keep it alive.
class session {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// No session: operations fail with not_connected.
  session() noexcept = default;

  [[nodiscard]] explicit operator bool() const noexcept { return shared_ != nullptr; }
  [[nodiscard]] executor_type get_executor() const noexcept;
  [[nodiscard]] endpoint::path path() const noexcept;
  [[nodiscard]] endpoint::role role() const noexcept;
  /// The channel that the peer proved to know the key of. Empty without a session. Valid as long as this handle.
  [[nodiscard]] std::string_view channel_id() const noexcept;

  /// Opens a stream; data may be written at once. Signature void(error_code, flowersec::stream).
  /// `kind` is trimmed. Errors   rpc/missing_stream_kind; yamux/not_connected, open_stream_failed,
  /// resource_exhausted. None ends the session.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, flowersec::stream)) Token = default_token>
  auto async_open_stream(std::string kind, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, flowersec::stream)>(
        [](auto handler, session self, std::string kind_now) {
          self.start_open(std::move(kind_now), {std::move(handler), self.get_executor()});
        },
        token, *this, std::move(kind));
  }

  /// The next stream that the peer opened, its hello already read. Signature void(error_code, incoming_stream).
  /// Not together with async_serve. Cancellation: yamux/canceled, no stream is lost.
  /// Errors   yamux/accept_stream_failed when no more will come.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, incoming_stream)) Token = default_token>
  auto async_accept_stream(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, incoming_stream)>(
        [](auto handler, session self) {
          self.start_accept({std::move(handler), self.get_executor()});
        },
        token, *this);
  }

  /// Hands every stream that the peer opens to its handler, each in a coroutine of its own on the session's executor.
  /// Signature void(error_code). Completes when the session ends (success if it was closed here) or on cancellation;
  /// handlers under way are then cancelled.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
  auto async_serve(stream_router router, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, session self, stream_router routes) {
          self.start_serve(std::move(routes), {std::move(handler), self.get_executor()});
        },
        token, *this, std::move(router));
  }

  /// Calls the peer. Signature void(error_code, rpc::reply). `payload` is one JSON value.
  /// A client calls on the rpc stream that it opened while connecting; a server opens one at its first call.
  /// An error code says that the call could not be carried; an answer of the peer, also a failure, is in the reply.
  /// Errors   rpc/not_connected, rpc/rpc_failed (stream lost, or the payload is no JSON), rpc/timeout,
  ///          rpc/resource_exhausted. Cancellation: rpc/rpc_failed; a late reply is dropped and the peer never learns.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, rpc::reply)) Token = default_token>
  auto async_call(std::uint32_t type_id, std::string payload, rpc_call_options options, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, rpc::reply)>(
        [](auto handler, session self, std::uint32_t type, std::string text, rpc_call_options how) {
          self.start_call(type, std::move(text), how, {std::move(handler), self.get_executor()});
        },
        token, *this, type_id, std::move(payload), options);
  }
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, rpc::reply)) Token = default_token>
  auto async_call(std::uint32_t type_id, std::string payload, Token&& token = {}) {
    return async_call(type_id, std::move(payload), rpc_call_options{}, std::forward<Token>(token));
  }

  /// Sends a notification. Signature void(error_code): success when it is queued, behind what was queued before.
  /// A client sends it on its rpc stream; a server on every rpc stream that it serves, and has rpc/not_connected when
  /// there is none. Errors as async_call.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
  auto async_notify(std::uint32_t type_id, std::string payload, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, session self, std::uint32_t type, std::string text) {
          self.start_notify(type, std::move(text), {std::move(handler), self.get_executor()});
        },
        token, *this, type_id, std::move(payload));
  }

  /// Calls `fn` with the payload of every notification of this type that the peer sends on our rpc stream, in order, on
  /// the session's executor. Several may be set for a type. What `fn` throws is swallowed. The result takes `fn` out
  /// again; otherwise it stays as long as the session.
  remove_handler on_notification(std::uint32_t type_id, std::function<void(const std::string& payload)> fn);

  /// Sends one keep-alive record; there is no answer. Signature void(error_code). Errors   secure/not_connected,
  /// secure/ping_failed.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
  auto async_ping(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, session self) {
          self.start_ping({std::move(handler), self.get_executor()});
        },
        token, *this);
  }

  /// Moves our sending direction to a new key. Signature void(error_code). Errors   secure/not_connected,
  /// secure/rekey_failed.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
  auto async_rekey(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, session self) {
          self.start_rekey({std::move(handler), self.get_executor()});
        },
        token, *this);
  }

  /// Measures one round trip to the peer. Signature void(error_code, std::chrono::nanoseconds).
  /// Errors   yamux/timeout after 10 s, yamux/ping_failed: the session is closed. yamux/canceled: it lives on.
  ///          yamux/not_connected.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, std::chrono::nanoseconds)) Token = default_token>
  auto async_probe(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, std::chrono::nanoseconds)>(
        [](auto handler, session self) {
          self.start_probe({std::move(handler), self.get_executor()});
        },
        token, *this);
  }

  /// Ends the session: what was written leaves first (for at most 2 s), then every stream is reset and the transport is
  /// closed. Harmless the second time. Signature void(error_code).
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code)) Token = default_token>
  auto async_close(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code)>(
        [](auto handler, session self) {
          self.start_close({std::move(handler), self.get_executor()});
        },
        token, *this);
  }

  /// Completes when the session has ended, at once if it has already. Signature void(error_code, termination); the
  /// error is set only when the wait was cancelled.
  template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(error_code, termination)) Token = default_token>
  auto async_wait_end(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(error_code, termination)>(
        [](auto handler, session self) {
          self.start_wait_end({std::move(handler), self.get_executor()});
        },
        token, *this);
  }

  class shared;  ///< internal
  explicit session(std::shared_ptr<shared> state) noexcept : shared_(std::move(state)) {}
  [[nodiscard]] const std::shared_ptr<shared>& state() const noexcept { return shared_; }  ///< internal

 private:
  template <class... Args>
  using completion = ::flowersec::session::completion<Args...>;

  void start_open(std::string kind, completion<error_code, flowersec::stream> done);
  void start_accept(completion<error_code, incoming_stream> done);
  void start_serve(stream_router router, completion<error_code> done);
  void start_call(std::uint32_t type_id, std::string payload, rpc_call_options options,
                  completion<error_code, rpc::reply> done);
  void start_notify(std::uint32_t type_id, std::string payload, completion<error_code> done);
  void start_ping(completion<error_code> done);
  void start_rekey(completion<error_code> done);
  void start_probe(completion<error_code, std::chrono::nanoseconds> done);
  void start_close(completion<error_code> done);
  void start_wait_end(completion<error_code, termination> done);

  std::shared_ptr<shared> shared_;
};

}  // namespace flowersec::endpoint
