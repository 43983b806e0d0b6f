#include "ws/door.h"

#include <boost/asio/bind_executor.hpp>
#include <chrono>

namespace flowersec::ws {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// How long nobody is accepted after the system refused: descriptors or memory ran out, most likely.
constexpr std::chrono::milliseconds accept_pause{50};
/// Connections that are being answered 503; one more is disconnected without an answer.
constexpr std::size_t max_refusals = 64;

}  // namespace

result<std::shared_ptr<door>> door::open(const asio::any_io_executor& executor, serial_executor serial,
                                         const tcp::endpoint& at, std::size_t max_under_way, home of_connections) {
  error_code failed;
  tcp::acceptor acceptor{serial};
  acceptor.open(at.protocol(), failed);
  if (!failed) acceptor.set_option(tcp::acceptor::reuse_address{true}, failed);
  if (!failed) acceptor.bind(at, failed);
  if (!failed) acceptor.listen(tcp::acceptor::max_listen_connections, failed);
  if (failed) return failed;
  return std::make_shared<door>(executor, std::move(serial), std::move(acceptor), max_under_way, of_connections);
}

door::door(asio::any_io_executor executor, serial_executor serial, tcp::acceptor acceptor, std::size_t max_under_way,
           home of_connections)
    : executor_(std::move(executor)),
      serial_(std::move(serial)),
      acceptor_(std::move(acceptor)),
      pause_(serial_),
      local_(acceptor_.local_endpoint()),
      max_under_way_(max_under_way),
      home_(of_connections) {}

void door::start(handler on_connection) {
  handler_ = std::move(on_connection);
  accept_next();
}

void door::close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  handler_ = nullptr;
}

void door::accept_next() {
  const auto accepted = [self = shared_from_this()](error_code failed, tcp::socket client) {
    if (!self->acceptor_.is_open() || !self->handler_) return;
    if (failed) {
      self->pause_.expires_after(accept_pause);
      self->pause_.async_wait([self](error_code canceled) {
        if (!canceled && self->acceptor_.is_open()) self->accept_next();
      });
      return;
    }
    const auto under_way = self->under_way_->load();
    const bool busy = under_way >= self->max_under_way_;
    if (under_way < self->max_under_way_ + max_refusals) {
      error_code ignored;
      client.set_option(tcp::no_delay{true}, ignored);
      self->handler_(std::move(client), place{self->under_way_}, busy);
    }
    self->accept_next();
  };
  const asio::any_io_executor where = home_ == home::shared ? serial_ : serial_executor{executor_};
  acceptor_.async_accept(where, asio::bind_executor(serial_, accepted));
}

}  // namespace flowersec::ws
