#include "lab/raw_tcp.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <ostream>
#include <vector>

#include "flowersec/base/json.h"

namespace flowersec::lab {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t block_bytes = 256 * 1024;

}  // namespace

void run_sink(std::uint16_t port, std::ostream& out) {
  asio::io_context context;
  tcp::acceptor acceptor{context, {tcp::v4(), port}};
  out << R"({"is":"listening"})" << '\n' << std::flush;
  auto peer = acceptor.accept();
  std::vector<char> block(block_bytes);
  boost::system::error_code end;
  while (!end) peer.read_some(asio::buffer(block), end);
  if (end != asio::error::eof) throw boost::system::system_error{end};
  asio::write(peer, asio::buffer("!", 1));
}

void run_sender(const std::string& address, std::uint16_t port, std::uint64_t bytes, std::ostream& out) {
  asio::io_context context;
  tcp::socket peer{context};
  peer.connect({asio::ip::make_address(address), port});
  const std::vector<char> block(block_bytes);
  const auto began = std::chrono::steady_clock::now();
  for (auto left = bytes; left > 0;) {
    left -= asio::write(peer, asio::buffer(block.data(), std::min<std::uint64_t>(left, block.size())));
  }
  peer.shutdown(tcp::socket::shutdown_send);
  char answer = 0;
  asio::read(peer, asio::buffer(&answer, 1));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  std::string text;
  json_object_writer{text}
      .field("is", "sent")
      .field("bytes", bytes)
      .field("ms", static_cast<std::uint64_t>(took.count()))
      .end();
  out << text << '\n' << std::flush;
}

}  // namespace flowersec::lab
