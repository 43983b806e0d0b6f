// Typed requests and answers over payloads of JSON text: what generated services are made of.
// Layer rpc, without Asio. Generated code names the decoder of each message; encode is found by its argument.
// Source: PROTOCOL, "RPC errors".
#pragma once

#include <boost/assert/source_location.hpp>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "flowersec/messages/decode_error.h"
#include "flowersec/rpc/handler.h"
#include "flowersec/rpc/router.h"

namespace flowersec::rpc {

template <class Message>
using decoder = messages::decoded<Message> (*)(std::string_view);

/// The peer's answer to a call: the response, or its refusal.
template <class Response>
using answer = boost::system::result<Response, call_error>;

/// What answer::value() throws when the peer refused.
class call_refused : public std::runtime_error {
 public:
  explicit call_refused(call_error why)
      : std::runtime_error("rpc error " + std::to_string(why.code) + ": " + why.message), why_(std::move(why)) {}
  [[nodiscard]] const call_error& why() const noexcept { return why_; }

 private:
  call_error why_;
};

[[noreturn]] inline void throw_exception_from_error(const call_error& why, const boost::source_location& /*where*/) {
  throw call_refused(why);
}

/// A payload that is missing stands for a message without fields.
[[nodiscard]] inline std::string_view message_text(std::string_view payload) noexcept {
  return payload.empty() || payload == "null" ? std::string_view{"{}"} : payload;
}

/// The right to answer one typed request, exactly once. Dropping it unused answers 500. Threads as responder.
template <class Response>
class typed_responder {
 public:
  typed_responder(responder answer, std::stop_token stop) noexcept
      : answer_(std::move(answer)), stop_(std::move(stop)) {}

  /// A response that a reader would refuse is answered 500.
  void succeed(const Response& response) {
    auto text = try_encode(response);
    answer_.finish(text ? success(std::move(*text)) : internal_error());
  }
  /// An error of the application.
  void fail(std::uint32_t code, std::string message) { answer_.fail(code, std::move(message)); }
  /// Requested when the stream ends: the answer will be thrown away.
  [[nodiscard]] const std::stop_token& stop() const noexcept { return stop_; }

 private:
  responder answer_;
  std::stop_token stop_;
};

/// A handler for router::on_request. A payload that is no Request is answered 400 `invalid payload`.
template <class Request, class Response, class Handle>
[[nodiscard]] request_handler typed_handler(decoder<Request> decode, Handle handle) {
  return [decode, handle = std::move(handle)](request call, responder answer) {
    auto decoded = decode(message_text(call.payload));
    if (!decoded) return answer.finish(invalid_payload());
    handle(std::move(*decoded), typed_responder<Response>{std::move(answer), std::move(call.stop)});
  };
}

/// A handler of notifications. A payload that is no Message is dropped.
template <class Message>
[[nodiscard]] notification_handler typed_notification(decoder<Message> decode, std::function<void(Message)> handle) {
  return [decode, handle = std::move(handle)](std::string_view payload) {
    if (auto message = decode(message_text(payload))) handle(std::move(*message));
  };
}

}  // namespace flowersec::rpc
