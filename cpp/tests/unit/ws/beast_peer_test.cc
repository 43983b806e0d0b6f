// An independent implementation at the other end: Beast's WebSocket stream, in both roles.
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include "unit/ws/socket_pair.h"

namespace flowersec::ws {
namespace {

using namespace testing;  // NOLINT
namespace websocket = boost::beast::websocket;
using beast_stream = websocket::stream<tcp::socket>;

const std::size_t sizes[] = {0, 1, 125, 126, 1000, 65535, 65536, 500'000};

/// ASCII, since Beast checks the encoding of text.
byte_buffer pattern(std::size_t size) {
  byte_buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 13) & 0x7f);
  return bytes;
}

/// Sends each size as text and binary, in fragments of 100 bytes and whole, and expects the echo.
awaitable<void> talk(beast_stream& stream) {
  for (const auto size : sizes) {
    for (const bool fragmented : {false, true}) {
      if (fragmented && size > 2000) continue;
      const auto sent = pattern(size);
      stream.binary(!fragmented);
      stream.auto_fragment(fragmented);
      stream.write_buffer_bytes(fragmented ? 100 : 4096);
      co_await stream.async_write(boost::asio::buffer(sent), boost::asio::use_awaitable);
      boost::beast::flat_buffer received;
      co_await stream.async_read(received, boost::asio::use_awaitable);
      EXPECT_EQ(stream.got_binary(), !fragmented);
      EXPECT_TRUE(std::ranges::equal(
          sent, std::as_bytes(std::span{static_cast<const char*>(received.data().data()), received.size()})))
          << size;
    }
  }
}

awaitable<void> echo(message_socket& socket) {
  while (true) {
    const auto [error, message] = co_await socket.async_read_message(as_result);
    if (error) {
      EXPECT_EQ(error, ws_errc::closed_by_peer);
      EXPECT_EQ(socket.peer_close(), (close_payload{.code = 1001, .reason = "leaving"}));
      break;
    }
    co_await socket.async_write_message(message.kind, message.payload);
  }
  co_await socket.async_close(close_code::normal, "");
}

TEST(beast_peer, as_client_is_served_and_its_compression_offer_is_not_taken) {
  boost::asio::io_context context;
  loopback net{context};
  const auto client = [](loopback& to) -> task {
    beast_stream stream{co_await to.tcp_client()};
    websocket::permessage_deflate offer;
    offer.client_enable = true;
    stream.set_option(offer);
    stream.set_option(websocket::stream_base::decorator(
        [](websocket::request_type& request) { request.set("Origin", "https://app.example"); }));
    websocket::response_type response;
    co_await stream.async_handshake(response, "h", "/ws", boost::asio::use_awaitable);
    EXPECT_EQ(response.count("Sec-WebSocket-Extensions"), 0u);
    int pongs = 0;
    stream.control_callback([&](websocket::frame_type kind, boost::beast::string_view) {
      if (kind == websocket::frame_type::pong) ++pongs;
    });
    co_await stream.async_ping("x", boost::asio::use_awaitable);
    co_await talk(stream);
    EXPECT_EQ(pongs, 1);
    const websocket::close_reason leaving{websocket::close_code::going_away, "leaving"};
    co_await stream.async_close(leaving, boost::asio::use_awaitable);
    EXPECT_EQ(stream.reason().code, websocket::close_code::going_away);
  };
  const auto server = [](loopback& at) -> task {
    auto socket = co_await at.accept();
    co_await echo(socket);
  };
  run_tasks(context, client(net), server(net));
}

TEST(beast_peer, as_server_is_reached) {
  boost::asio::io_context context;
  loopback net{context};
  const auto server = [](loopback& at) -> task {
    beast_stream stream{co_await at.tcp_peer()};
    websocket::permessage_deflate willing;
    willing.server_enable = true;
    stream.set_option(willing);
    co_await stream.async_accept(boost::asio::use_awaitable);
    co_await talk(stream);
    const websocket::close_reason leaving{websocket::close_code::going_away, "leaving"};
    co_await stream.async_close(leaving, boost::asio::use_awaitable);
  };
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    co_await echo(socket);
  };
  run_tasks(context, client(net), server(net));
}

TEST(beast_peer, understands_our_close) {
  boost::asio::io_context context;
  loopback net{context};
  const auto server = [](loopback& at) -> task {
    beast_stream stream{co_await at.tcp_peer()};
    co_await stream.async_accept(boost::asio::use_awaitable);
    boost::beast::flat_buffer received;
    const auto [error, bytes] = co_await stream.async_read(received, as_result);
    EXPECT_EQ(error, websocket::error::closed);
    EXPECT_EQ(stream.reason().code, websocket::close_code::try_again_later);
    EXPECT_EQ(std::string_view(stream.reason().reason.c_str()), "too_many_connections");
  };
  const auto client = [](loopback& to) -> task {
    auto socket = co_await to.connect();
    const auto [error] = co_await socket.async_close(close_code::try_again_later, "too_many_connections", as_result);
    EXPECT_FALSE(error);
  };
  run_tasks(context, client(net), server(net));
}

}  // namespace
}  // namespace flowersec::ws
