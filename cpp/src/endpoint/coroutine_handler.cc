#include "flowersec/endpoint/coroutine_handler.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <optional>

namespace flowersec::endpoint {
namespace {

namespace asio = boost::asio;
using strand = asio::strand<asio::any_io_executor>;

/// One request under way. Everything happens on its strand.
struct running : std::enable_shared_from_this<running> {
  running(const asio::any_io_executor& executor, rpc_coroutine fn, rpc::request asked, rpc::responder to)
      : serial(executor), answer(std::move(fn)), request(std::move(asked)), responder(std::move(to)) {}

  void start() {
    auto done = [self = shared_from_this()](const std::exception_ptr& thrown, rpc::reply reply) {
      self->stop_watch.reset();
      self->responder.finish(thrown ? rpc::internal_error() : std::move(reply));
    };
    stop_watch.emplace(request.stop, on_stop{weak_from_this()});
    asio::co_spawn(serial, run(shared_from_this()),
                   asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(serial, std::move(done))));
  }

  // A coroutine of its own, so that what `answer` throws before there is one of its own is caught as well.
  static asio::awaitable<rpc::reply> run(std::shared_ptr<running> call) {
    co_return co_await call->answer(std::move(call->request));
  }

  // post, not dispatch: a stop that is there already comes behind co_spawn, which fills the slot.
  struct on_stop {
    std::weak_ptr<running> call;
    void operator()() const {
      const auto self = call.lock();
      if (self) asio::post(self->serial, [self] { self->signal.emit(asio::cancellation_type::terminal); });
    }
  };

  strand serial;
  rpc_coroutine answer;
  rpc::request request;
  rpc::responder responder;
  asio::cancellation_signal signal;
  std::optional<std::stop_callback<on_stop>> stop_watch;
};

}  // namespace

rpc::request_handler in_coroutine(asio::any_io_executor executor, rpc_coroutine answer) {
  return [executor = std::move(executor), answer = std::move(answer)](rpc::request request, rpc::responder responder) {
    const auto call = std::make_shared<running>(executor, answer, std::move(request), std::move(responder));
    asio::dispatch(call->serial, [call] { call->start(); });
  };
}

}  // namespace flowersec::endpoint
