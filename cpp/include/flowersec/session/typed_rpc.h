// Typed calls, subscriptions and notifications over a session: what generated clients are made of.
// Layer session, header only. `Session` is flowersec::endpoint::session, or whatever has its get_executor, async_call,
// async_notify and on_notification, whose result takes the handler out again. Source: PROTOCOL, "RPC calls".
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "flowersec/rpc/typed.h"
#include "flowersec/session/completion.h"
#include "flowersec/session/rpc.h"

namespace flowersec::session {

/// Token used when none is given.
using default_call_token = boost::asio::use_awaitable_t<boost::asio::any_io_executor>;

/// A notification handler that is called while this lives. It is not called any more once cancel() or the destructor
/// has returned, unless it is running just then; what it captured goes soon after, on the session's executor.
class subscription {
 public:
  subscription() = default;
  explicit subscription(std::shared_ptr<std::atomic<bool>> active, remove_handler remove = {}) noexcept
      : active_(std::move(active)), remove_(std::move(remove)) {}
  subscription(subscription&&) noexcept = default;
  subscription& operator=(subscription&& other) noexcept {
    cancel();
    active_ = std::move(other.active_);
    remove_ = std::move(other.remove_);
    return *this;
  }
  ~subscription() { cancel(); }

  void cancel() noexcept {
    const auto active = std::move(active_);
    if (!active) return;
    active->store(false);
    if (const auto remove = std::exchange(remove_, {})) remove();
  }
  /// Lets it be called as long as the session lives.
  void detach() noexcept { active_.reset(); }

 private:
  std::shared_ptr<std::atomic<bool>> active_;
  remove_handler remove_;
};

/// Calls `handle` with each notification of the type that decodes; others are dropped.
template <class Message, class Session>
[[nodiscard]] subscription subscribe(Session& on, std::uint32_t type_id, rpc::decoder<Message> decode,
                                     std::function<void(Message)> handle) {
  auto active = std::make_shared<std::atomic<bool>>(true);
  auto typed = rpc::typed_notification<Message>(decode, std::move(handle));
  auto remove = on.on_notification(type_id, [active, typed = std::move(typed)](const std::string& payload) {
    if (active->load()) typed(payload);
  });
  return subscription{std::move(active), std::move(remove)};
}

namespace detail {

/// Ends an operation that was refused here, as if it had been carried out: never from inside the call.
template <class... Values, class Handler, class Session>
void refuse(Handler handler, const Session& on, error_code why, Values... values) {
  completion<error_code, Values...> done{std::move(handler), on.get_executor()};
  done.complete(why, std::move(values)...);
}

/// `make_next(handler)` runs where the handler would have run, and is cancelled as it would have been.
template <class Handler, class Session, class MakeNext>
auto in_place_of(Handler handler, const Session& on, MakeNext make_next) {
  const auto slot = boost::asio::get_associated_cancellation_slot(handler);
  const auto place = boost::asio::get_associated_executor(handler, on.get_executor());
  return boost::asio::bind_cancellation_slot(slot, boost::asio::bind_executor(place, make_next(std::move(handler))));
}

template <class Response>
std::pair<error_code, rpc::answer<Response>> typed_outcome(error_code failed, const rpc::reply& reply,
                                                           rpc::decoder<Response> decode) {
  if (failed) return {failed, Response{}};
  if (reply.error) return {error_code{}, *reply.error};
  auto response = decode(rpc::message_text(reply.payload));
  if (!response) return {response.error().code, Response{}};
  return {error_code{}, std::move(*response)};
}

}  // namespace detail

/// Signature void(error_code, rpc::answer<Response>). Errors as the session's async_call, and messages_errc::bad_field
/// or not_an_object for a request or a response that breaks the rules of its type. A refusal of the peer is in the
/// answer. Cancellation as async_call.
template <class Response, class Session, class Token>
auto async_typed_call(const Session& on, std::uint32_t type_id, messages::decoded<std::string> request,
                      rpc::decoder<Response> decode, call_options options, Token&& token) {
  return boost::asio::async_initiate<Token, void(error_code, rpc::answer<Response>)>(
      [](auto handler, Session self, std::uint32_t type, messages::decoded<std::string> text,
         rpc::decoder<Response> decoder, call_options how) {
        if (!text) {
          return detail::refuse<rpc::answer<Response>>(std::move(handler), self, text.error().code, Response{});
        }
        auto finish = detail::in_place_of(std::move(handler), self, [decoder](auto inner) {
          return [decoder, inner = std::move(inner)](error_code failed, const rpc::reply& reply) mutable {
            auto [why, answer] = detail::typed_outcome<Response>(failed, reply, decoder);
            std::move(inner)(why, std::move(answer));
          };
        });
        self.async_call(type, std::move(*text), how, std::move(finish));
      },
      token, on, type_id, std::move(request), decode, options);
}

/// Signature void(error_code). Errors as the session's async_notify, and messages_errc::bad_field.
template <class Session, class Token>
auto async_typed_notify(const Session& on, std::uint32_t type_id, messages::decoded<std::string> message,
                        Token&& token) {
  return boost::asio::async_initiate<Token, void(error_code)>(
      [](auto handler, Session self, std::uint32_t type, messages::decoded<std::string> text) {
        if (!text) return detail::refuse<>(std::move(handler), self, text.error().code);
        self.async_notify(type, std::move(*text), std::move(handler));
      },
      token, on, type_id, std::move(message));
}

/// To one peer that is being served. Errors   messages_errc::bad_field, nothing is sent then.
[[nodiscard]] inline error_code typed_notify(const rpc_peer& to, std::uint32_t type_id,
                                             messages::decoded<std::string> message) {
  if (!message) return message.error().code;
  to.notify(type_id, std::move(*message));
  return {};
}

}  // namespace flowersec::session
