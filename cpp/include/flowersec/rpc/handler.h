// What an application writes to serve RPC: handlers that get a request and a responder.
// Layer rpc, without Asio: a handler may answer before it returns, or keep the responder and answer later from
// anywhere. Generated code builds on this header and on router.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "flowersec/rpc/reply.h"

namespace flowersec::rpc {

/// Names one admitted request inside one server.
enum class request_key : std::uint64_t {};

/// One request or notification as its handler sees it.
struct request {
  std::uint32_t type_id = 0;
  std::string payload = "null";  ///< JSON text
  /// Requested when the stream ends: the answer will be thrown away.
  std::stop_token stop{};
};

/// Where a responder delivers. Implemented by whoever runs the server; may be called from any thread, once per key.
class reply_sink {
 public:
  virtual ~reply_sink() = default;
  virtual void finish(request_key key, reply answer) noexcept = 0;
};

/// The right to answer one request, exactly once. Dropping it unused answers 500 `internal error`, so that a forgotten
/// request cannot hold its slot for ever. Does nothing when the server is gone.
/// Threads  any, one at a time.
class responder {
 public:
  responder(std::weak_ptr<reply_sink> sink, request_key key) noexcept : sink_(std::move(sink)), key_(key) {}
  responder(responder&& other) noexcept : sink_(std::move(other.sink_)), key_(other.key_), armed_(other.armed_) {
    other.armed_ = false;
  }
  responder& operator=(responder&& other) noexcept;
  ~responder() { finish(internal_error()); }

  /// `payload` is JSON text; text that is not valid JSON is answered 500.
  void succeed(std::string payload) { finish(success(std::move(payload))); }
  /// An error of the application.
  void fail(std::uint32_t code, std::string message) { finish(failure(code, std::move(message))); }
  /// Any answer. Only the first one of all calls counts.
  void finish(reply answer) noexcept;

 private:
  std::weak_ptr<reply_sink> sink_;
  request_key key_;
  bool armed_ = true;
};

/// A handler that throws answers 500 `internal error`.
using request_handler = std::function<void(request, responder)>;
/// Handled one at a time in the order of arrival. A throw is ignored.
using notification_handler = std::function<void(std::string_view payload)>;

}  // namespace flowersec::rpc
