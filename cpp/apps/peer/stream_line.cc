#include "peer/stream_line.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace flowersec::apps {

namespace asio = boost::asio;
using token = asio::use_awaitable_t<asio::any_io_executor>;

asio::awaitable<std::string> read_line(flowersec::stream& stream) {
  std::string line;
  while (line.size() <= max_line_bytes) {
    char c = 0;
    const auto [error, count] = co_await stream.async_read_some(asio::buffer(&c, 1), asio::as_tuple(token{}));
    if (error == asio::error::eof || (!error && c == '\n')) co_return line;
    if (error) throw boost::system::system_error{error, "reading a line"};
    line += c;
  }
  throw boost::system::system_error{make_error_code(boost::system::errc::message_size), "reading a line"};
}

asio::awaitable<void> write_line(flowersec::stream& stream, std::string line) {
  line += '\n';
  co_await asio::async_write(stream, asio::buffer(line), token{});
}

}  // namespace flowersec::apps
