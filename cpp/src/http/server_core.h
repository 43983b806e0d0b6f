// The listener's state and the connections it holds.
// Layer http, private. Everything runs on one executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <optional>

#include "flowersec/http/server.h"

namespace flowersec::http {

/// What the core needs of one connection, plain or TLS.
class server_connection {
 public:
  virtual ~server_connection() = default;
  /// Answers the request under way and ends; ends at once when there is none.
  virtual void wind_down() = 0;
  virtual void drop() = 0;
  using time_point = std::chrono::steady_clock::time_point;
  /// Of a connection that has shown no complete request since it came, or since its last answer.
  struct waiting {
    time_point since;
    time_point heard;  ///< when its request began; `since` when nothing of one has come
  };
  /// Nullopt while a request is being answered.
  [[nodiscard]] virtual std::optional<waiting> waits() const noexcept = 0;
};

class server_core : public std::enable_shared_from_this<server_core> {
 public:
  server_core(boost::asio::any_io_executor executor, server_options options, request_handler handler);

  [[nodiscard]] error_code listen(const boost::asio::ip::tcp::endpoint& where);
  [[nodiscard]] boost::asio::ip::tcp::endpoint local_endpoint() const;
  void start();
  void replace_tls(std::shared_ptr<ssl_ctx_st> context);
  void stop(std::chrono::milliseconds limit, boost::asio::any_completion_handler<void(error_code)> handler);
  void abort();

  [[nodiscard]] const server_limits& limits() const noexcept { return options_.limits; }
  [[nodiscard]] const request_handler& handler() const noexcept { return handler_; }
  [[nodiscard]] const refusal_handler& refusal() const noexcept { return options_.refusal; }
  [[nodiscard]] boost::asio::any_io_executor executor() { return acceptor_.get_executor(); }
  /// Called by a connection when it is over.
  void remove(server_connection& connection);

 private:
  void accept_next();
  void make_room();
  void drop_longest_waiting();
  void add(boost::asio::ip::tcp::socket socket);
  void finish_stop(error_code error);

  server_options options_;
  request_handler handler_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;  ///< pause after a failed accept; limit of a graceful stop
  std::list<std::shared_ptr<server_connection>> connections_;
  bool accepting_ = false;
  bool full_ = false;  ///< a newcomer is waited for, who then takes the place of somebody who only holds it
  boost::asio::any_completion_handler<void(error_code)> stop_handler_;
};

/// Makes a connection and starts serving it; it calls core.remove() when over.
[[nodiscard]] std::shared_ptr<server_connection> serve_connection(std::shared_ptr<server_core> core,
                                                                  boost::asio::ip::tcp::socket socket,
                                                                  boost::asio::ssl::context* tls);

}  // namespace flowersec::http
