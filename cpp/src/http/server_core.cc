#include "http/server_core.h"

#include <boost/asio/append.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "flowersec/base/clock.h"
#include "http/tls.h"

namespace flowersec::http {

namespace asio = boost::asio;
using asio::ip::tcp;

bool server_limits::validate() const noexcept {
  using std::chrono::milliseconds;
  const auto positive = [](milliseconds time) { return time > milliseconds::zero(); };
  return positive(place_grace) && positive(header_timeout) && positive(request_timeout) && positive(write_timeout) &&
         positive(idle_timeout) && max_header_bytes >= 1024 && max_header_bytes <= 1048576 && max_connections >= 1;
}

server_core::server_core(asio::any_io_executor executor, server_options options, request_handler handler)
    : options_(std::move(options)), handler_(std::move(handler)), acceptor_(executor), timer_(executor) {
  if (options_.tls) tls_ = share_context(*options_.tls);
}

error_code server_core::listen(const tcp::endpoint& where) {
  error_code error;
  acceptor_.open(where.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error) acceptor_.bind(where, error);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    error_code ignored;
    acceptor_.close(ignored);
  }
  return error;
}

tcp::endpoint server_core::local_endpoint() const {
  error_code ignored;
  return acceptor_.local_endpoint(ignored);
}

void server_core::start() { accept_next(); }

void server_core::replace_tls(std::shared_ptr<ssl_ctx_st> context) {
  if (!tls_ || !context) return;
  tls_ = share_context(*context);
  options_.tls = std::move(context);
}

void server_core::accept_next() {
  if (accepting_ || !acceptor_.is_open()) return;
  if (connections_.size() >= options_.limits.max_connections) return make_room();
  accepting_ = true;
  acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
    self->accepting_ = false;
    if (!self->acceptor_.is_open()) return;
    if (error) {
      // Out of descriptors, most likely: trying again at once would spin.
      constexpr std::chrono::milliseconds pause{50};
      self->timer_.expires_after(pause);
      self->timer_.async_wait([self](error_code canceled) {
        if (!canceled) self->accept_next();
      });
      return;
    }
    self->add(std::move(socket));
    self->accept_next();
  });
}

// Whoever only holds a place, in silence or with a request that never ends, must not keep those out who ask.
void server_core::make_room() {
  if (std::exchange(full_, true)) return;
  acceptor_.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](error_code failed) {
    self->full_ = false;
    if (failed || !self->acceptor_.is_open()) return;
    if (self->connections_.size() < self->options_.limits.max_connections) return self->accept_next();
    self->drop_longest_waiting();
    // Nobody may have waited for long enough yet.
    constexpr std::chrono::milliseconds look_again{100};
    self->timer_.expires_after(look_again);
    self->timer_.async_wait([self](error_code canceled) {
      if (!canceled) self->accept_next();
    });
  });
}

void server_core::drop_longest_waiting() {
  // Not those who have only just come or begun, nor those who are between two requests of a burst.
  const auto late = std::chrono::steady_clock::now() - options_.limits.place_grace;
  std::shared_ptr<server_connection> longest;
  auto since = late;
  for (const auto& each : connections_) {
    const auto waits = each->waits();
    if (!waits || waits->heard > late || waits->since > since) continue;
    since = waits->since;
    longest = each;
  }
  if (longest) longest->drop();
}

void server_core::add(tcp::socket socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay{true}, ignored);
  connections_.push_back(serve_connection(shared_from_this(), std::move(socket), tls_.get()));
}

void server_core::remove(server_connection& connection) {
  connections_.remove_if([&](const auto& entry) { return entry.get() == &connection; });
  if (stop_handler_ && connections_.empty()) finish_stop({});
  accept_next();
}

void server_core::stop(std::chrono::milliseconds limit, asio::any_completion_handler<void(error_code)> handler) {
  error_code ignored;
  acceptor_.close(ignored);
  stop_handler_.swap(handler);  // its move assignment recurses for ever in Boost 1.81
  timer_.expires_at(later(system_clocks().mono_now(), limit));
  timer_.async_wait([self = shared_from_this()](error_code canceled) {
    if (!canceled && self->stop_handler_) self->abort();
  });
  const auto snapshot = connections_;  // winding down may remove
  for (const auto& connection : snapshot) connection->wind_down();
  if (stop_handler_ && connections_.empty()) finish_stop({});
}

void server_core::finish_stop(error_code error) {
  timer_.cancel();
  asio::post(executor(), asio::append(std::exchange(stop_handler_, nullptr), error));
}

void server_core::abort() {
  error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();
  if (stop_handler_) finish_stop(make_error_code(http_errc::stop_deadline));
  // Connections hold the core; letting go of them here is what ends the circle.
  for (const auto& connection : std::exchange(connections_, {})) connection->drop();
}

server::server(asio::any_io_executor executor, server_options options, request_handler handler)
    : core_(std::make_shared<server_core>(std::move(executor), std::move(options), std::move(handler))) {}

server::~server() {
  if (core_) core_->abort();
}

error_code server::listen(const tcp::endpoint& where) { return core_->listen(where); }
tcp::endpoint server::local_endpoint() const { return core_->local_endpoint(); }
void server::start() { core_->start(); }
void server::replace_tls(std::shared_ptr<ssl_ctx_st> context) { core_->replace_tls(std::move(context)); }
void server::abort() noexcept { core_->abort(); }

void server::start_stop(std::chrono::milliseconds limit, asio::any_completion_handler<void(error_code)> handler) {
  core_->stop(limit, std::move(handler));
}

}  // namespace flowersec::http
