#include "ws/opening.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "flowersec/ws/error.h"

namespace flowersec::ws {

namespace asio = boost::asio;

namespace {

asio::awaitable<error_code> wait_for(asio::ip::tcp::socket& socket, io_status direction) {
  const auto what = direction == io_status::want_read ? socket.wait_read : socket.wait_write;
  const auto [error] = co_await socket.async_wait(what, asio::as_tuple(asio::use_awaitable));
  co_return error;
}

bool wants(const io_result& attempt) noexcept {
  return attempt.status == io_status::want_read || attempt.status == io_status::want_write;
}

error_code error_in(const io_result& attempt) noexcept {
  if (attempt.status == io_status::done) return {};
  return attempt.error ? attempt.error : make_error_code(ws_errc::abrupt_end);
}

}  // namespace

error_code prepare(asio::ip::tcp::socket& socket) {
  error_code error;
  socket.set_option(asio::ip::tcp::no_delay{true}, error);
  if (!error) socket.non_blocking(true, error);
  return error;
}

asio::awaitable<error_code> shake_tls(opening& connection) {
  while (true) {
    const auto attempt = connection.io.handshake();
    if (!wants(attempt)) co_return error_in(attempt);
    if (const auto error = co_await wait_for(connection.socket, attempt.status)) co_return error;
  }
}

asio::awaitable<error_code> write_all(opening& connection, std::string text) {
  auto rest = as_bytes(text);
  while (!rest.empty()) {
    const auto attempt = connection.io.write({&rest, 1});
    if (wants(attempt)) {
      if (const auto error = co_await wait_for(connection.socket, attempt.status)) co_return error;
      continue;
    }
    if (const auto error = error_in(attempt)) co_return error;
    rest = rest.subspan(attempt.bytes);
  }
  co_return error_code{};
}

asio::awaitable<result<std::size_t>> read_some(opening& connection, mutable_byte_view into) {
  while (true) {
    const auto attempt = connection.io.read(into);
    if (wants(attempt)) {
      if (const auto error = co_await wait_for(connection.socket, attempt.status)) co_return error;
      continue;
    }
    if (const auto error = error_in(attempt)) co_return error;
    co_return attempt.bytes;
  }
}

error_code error_of(const std::exception_ptr& thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    return error.code();
  } catch (...) {
    return asio::error::no_memory;
  }
}

}  // namespace flowersec::ws
