#include "ws/resolve.h"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace flowersec::ws {

namespace asio = boost::asio;

namespace {

/// One lookup; the handler is called by whichever comes first, the answer or the cancellation.
class lookup : public std::enable_shared_from_this<lookup> {
 public:
  using handler = asio::any_completion_handler<void(error_code, endpoint_list)>;

  lookup(asio::any_io_executor executor, handler done) : resolver_(std::move(executor)), done_(std::move(done)) {}

  void start(const std::string& host, std::uint16_t port) {
    auto slot = asio::get_associated_cancellation_slot(done_);
    if (slot.is_connected()) {
      slot.assign([weak = weak_from_this()](asio::cancellation_type /*kind*/) {
        if (const auto self = weak.lock()) self->complete(asio::error::operation_aborted, {});
      });
    }
    resolver_.async_resolve(host, std::to_string(port), asio::ip::resolver_base::numeric_service,
                            [self = shared_from_this()](error_code error, const auto& found) {
                              endpoint_list endpoints;
                              for (const auto& entry : found) endpoints.push_back(entry.endpoint());
                              self->complete(error, std::move(endpoints));
                            });
  }

 private:
  void complete(error_code error, endpoint_list endpoints) {
    if (!done_) return;
    auto done = std::exchange(done_, nullptr);
    if (auto slot = asio::get_associated_cancellation_slot(done); slot.is_connected()) slot.clear();
    auto where = asio::get_associated_executor(done, resolver_.get_executor());
    asio::post(resolver_.get_executor(),
               asio::bind_executor(where, [done = std::move(done), error, found = std::move(endpoints)]() mutable {
                 std::move(done)(error, std::move(found));
               }));
  }

  asio::ip::tcp::resolver resolver_;
  handler done_;
};

}  // namespace

asio::awaitable<std::tuple<error_code, endpoint_list>> resolve(std::string host, std::uint16_t port) {
  error_code not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return std::tuple{error_code{}, endpoint_list{{address, port}}};
  const auto executor = co_await asio::this_coro::executor;
  constexpr auto token = asio::as_tuple(asio::use_awaitable);
  co_return co_await asio::async_initiate<decltype(token), void(error_code, endpoint_list)>(
      [&](auto handler) { std::make_shared<lookup>(executor, std::move(handler))->start(host, port); }, token);
}

}  // namespace flowersec::ws
