// A listening socket: accepts for ever, hands each connection out, bounds how many are on their way in.
// Layer ws, part `front`, private, on Asio. Everything on the strand it was made with.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <memory>

#include "flowersec/base/error.h"

namespace flowersec::ws {

using serial_executor = boost::asio::strand<boost::asio::any_io_executor>;

class door : public std::enable_shared_from_this<door> {
 public:
  /// One connection that is on its way in; releases its place when it dies, on any thread.
  class place {
   public:
    explicit place(std::shared_ptr<std::atomic<std::size_t>> counter) noexcept : counter_(std::move(counter)) {
      ++*counter_;
    }
    place(place&&) noexcept = default;
    place& operator=(place&&) = delete;
    ~place() {
      if (counter_) --*counter_;
    }

   private:
    std::shared_ptr<std::atomic<std::size_t>> counter_;
  };
  /// Where the connections live: on strands of their own, or on the door's.
  enum class home : std::uint8_t { own, shared };
  /// `busy`: no room, answer 503.
  using handler = std::function<void(boost::asio::ip::tcp::socket, place, bool busy)>;

  /// Errors   the system's.
  [[nodiscard]] static result<std::shared_ptr<door>> open(const boost::asio::any_io_executor& executor,
                                                          serial_executor serial,
                                                          const boost::asio::ip::tcp::endpoint& at,
                                                          std::size_t max_under_way, home of_connections);
  door(boost::asio::any_io_executor executor, serial_executor serial, boost::asio::ip::tcp::acceptor acceptor,
       std::size_t max_under_way, home of_connections);

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
  std::size_t max_under_way_;
  home home_;
  std::shared_ptr<std::atomic<std::size_t>> under_way_ = std::make_shared<std::atomic<std::size_t>>(0);
  handler handler_;
};

}  // namespace flowersec::ws
