// Steps that both ends of an opening handshake share, as coroutines over a non-blocking socket.
// Layer ws, private. A cancellation throws out of them (Asio's rule for coroutines); spawn_opening() turns that into
// an error_code again.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>
#include <string>
#include <utility>

#include "ws/socket_io.h"

namespace flowersec::ws {

/// A TCP connection that is being opened.
struct opening {
  explicit opening(boost::asio::ip::tcp::socket connected) : socket(std::move(connected)), io(socket.native_handle()) {}

  boost::asio::ip::tcp::socket socket;
  socket_io io;
};

/// No delay for small frames, no blocking calls.
[[nodiscard]] error_code prepare(boost::asio::ip::tcp::socket& socket);

[[nodiscard]] boost::asio::awaitable<error_code> shake_tls(opening& connection);
[[nodiscard]] boost::asio::awaitable<error_code> write_all(opening& connection, std::string text);

/// At least one byte. Errors: abrupt_end at the end of the stream, tls_failed and its like, the socket's.
[[nodiscard]] boost::asio::awaitable<result<std::size_t>> read_some(opening& connection, mutable_byte_view into);

/// The error behind an exception that ended a coroutine.
[[nodiscard]] error_code error_of(const std::exception_ptr& thrown) noexcept;

/// Runs `work` and completes `handler` as void(error_code, T), on the handler's executor.
template <typename T>
void spawn_opening(const boost::asio::any_io_executor& executor, boost::asio::awaitable<result<T>> work,
                   boost::asio::any_completion_handler<void(error_code, T)> handler) {
  const auto slot = boost::asio::get_associated_cancellation_slot(handler);
  const auto where = boost::asio::get_associated_executor(handler, executor);
  auto finish = [handler = std::move(handler)](const std::exception_ptr& thrown, result<T> outcome) mutable {
    if (thrown) return std::move(handler)(error_of(thrown), T{});
    if (!outcome) return std::move(handler)(outcome.error(), T{});
    std::move(handler)(error_code{}, std::move(*outcome));
  };
  boost::asio::co_spawn(
      executor, std::move(work),
      boost::asio::bind_cancellation_slot(slot, boost::asio::bind_executor(where, std::move(finish))));
}

}  // namespace flowersec::ws
