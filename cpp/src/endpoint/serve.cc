// Serving: a loop that accepts streams and starts a coroutine for each.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <list>
#include <memory>

#include "failure.h"
#include "flowersec/session/error.h"
#include "session_state.h"

namespace flowersec::endpoint {
namespace {

namespace asio = boost::asio;
using ::flowersec::session::link;
using ::flowersec::session::link_end;
using ::flowersec::session::session_errc;
using ::flowersec::session::stream_id;
using strand = ::flowersec::session::strand;

/// One async_serve. Its bookkeeping runs on a strand of its own; handlers run on the session's executor.
class serving : public std::enable_shared_from_this<serving> {
 public:
  using completion = ::flowersec::session::completion<error_code>;

  serving(std::shared_ptr<link> over, endpoint::path on, stream_router router, completion done)
      : link_(std::move(over)),
        path_(on),
        serial_(link_->executor()),
        router_(std::move(router)),
        done_(std::move(done)) {}

  void start() {
    done_.on_cancel([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self) asio::dispatch(self->serial_, [self] { self->stop(); });
    });
    asio::dispatch(serial_, [self = shared_from_this()] { self->accept_next(); });
  }

 private:
  /// One handler under way. It is cancelled on its own strand: from another one, the request could arrive at a
  /// coroutine that has ended meanwhile.
  struct task {
    explicit task(const asio::any_io_executor& executor) : serial(executor) {}

    strand serial;
    asio::cancellation_signal stop;
    bool stopped = false;
  };

  void stop() {
    stopping_ = true;
    stop_accepting_.emit(asio::cancellation_type::terminal);
  }

  // The cancellation may find no accept under way, or one that has its stream already: that stream is reset.
  void accept_next() {
    if (stopping_) {
      return finish(make_error(operation_failure(path_, make_error_code(session_errc::accept_canceled))));
    }
    auto handler = asio::bind_cancellation_slot(
        stop_accepting_.slot(),
        asio::bind_executor(serial_, [self = shared_from_this()](error_code failed, incoming_stream arrived) {
          if (failed && !self->stopping_) return self->finish(failed);
          if (!self->stopping_) self->start_handler(std::move(arrived));
          self->accept_next();
        }));
    link_->accept({std::move(handler), link_->executor()});
  }

  void start_handler(incoming_stream arrived) {
    if (arrived.kind == rpc_stream_kind && router_.rpc()) {
      return link_->serve_rpc(std::move(arrived.stream), router_.rpc());
    }
    const auto* handler = router_.find(arrived.kind);
    if (handler == nullptr) return link_->refuse(std::move(arrived.stream), session_errc::no_handler);
    const auto mine = running_.emplace(running_.end(), std::make_shared<task>(link_->executor()));
    const auto id = static_cast<stream_id>(arrived.stream.id());
    link_->handler_begins(id);
    // By now the handler's frame is gone, and with it the stream, unless it was passed on.
    auto ended = [self = shared_from_this(), mine, handler = *mine, id](const std::exception_ptr& thrown) {
      self->link_->handler_ended(id, !thrown && !handler->stopped);
      asio::post(self->serial_, [self, mine] { self->running_.erase(mine); });
    };
    asio::co_spawn(
        (*mine)->serial, run(*handler, std::move(arrived.stream)),
        asio::bind_cancellation_slot((*mine)->stop.slot(), asio::bind_executor((*mine)->serial, std::move(ended))));
  }

  // A coroutine of its own, so that what `handler` throws before there is one of its own is caught as well.
  static asio::awaitable<void> run(const stream_router::handler& handler, flowersec::stream on) {
    co_await handler(std::move(on));
  }

  void finish(error_code why) {
    for (const auto& handler : running_) {
      asio::dispatch(handler->serial, [handler] {
        handler->stopped = true;
        handler->stop.emit(asio::cancellation_type::terminal);
      });
    }
    if (why == endpoint_errc::canceled) return done_.complete(why);
    link_->watch_end(link_->next_serial(), [self = shared_from_this(), why](const link_end* end) {
      self->done_.complete(end->closed_here ? error_code{} : why);
    });
  }

  std::shared_ptr<link> link_;
  endpoint::path path_;
  strand serial_;
  stream_router router_;
  completion done_;
  asio::cancellation_signal stop_accepting_;
  bool stopping_ = false;
  std::list<std::shared_ptr<task>> running_;
};

}  // namespace

void session::start_serve(stream_router router, completion<error_code> done) {
  if (!shared_) {
    return done.complete(
        make_error(operation_failure(endpoint::path::automatic, make_error_code(session_errc::accept_ended))));
  }
  std::make_shared<serving>(shared_->link, shared_->path, std::move(router), std::move(done))->start();
}

}  // namespace flowersec::endpoint
