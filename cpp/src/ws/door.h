// A listening socket: accepts for ever, and hands each connection out with its place at the entrance.
// Layer ws, part `front`, private, on Asio. Everything on the strand it was made with.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <memory>

#include "flowersec/base/error.h"
#include "ws/entrance.h"

namespace flowersec::ws {

using serial_executor = boost::asio::strand<boost::asio::any_io_executor>;

class door : public std::enable_shared_from_this<door> {
 public:
  /// Where the connections live: on strands of their own, or on the door's.
  enum class home : std::uint8_t { own, shared };
  using handler = std::function<void(boost::asio::ip::tcp::socket, entrance::place)>;

  /// Errors   the system's.
  [[nodiscard]] static result<std::shared_ptr<door>> open(const boost::asio::any_io_executor& executor,
                                                          serial_executor serial,
                                                          const boost::asio::ip::tcp::endpoint& at,
                                                          std::shared_ptr<entrance> way_in, home of_connections);
  door(boost::asio::any_io_executor executor, serial_executor serial, boost::asio::ip::tcp::acceptor acceptor,
       std::shared_ptr<entrance> way_in, home of_connections);

  void start(handler on_connection);
  void close();
  [[nodiscard]] const boost::asio::ip::tcp::endpoint& local() const noexcept { return local_; }

 private:
  void accept_next();

  boost::asio::any_io_executor executor_;
  serial_executor serial_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  boost::asio::ip::tcp::endpoint local_;
  std::shared_ptr<entrance> entrance_;
  home home_;
  handler handler_;
};

}  // namespace flowersec::ws
