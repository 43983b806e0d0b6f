// A session over a real loopback WebSocket: streams, RPC, pings, ends.
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "direct_fixture.h"

namespace flowersec::testing {
namespace {

using endpoint::endpoint_errc;

TEST(direct_session, bytes_written_to_a_stream_arrive_and_fin_ends_them) {
  with_session([](both ends) -> awaitable<void> {
    auto out = co_await ends.client.async_open_stream("  echo ");
    const std::string text(300'000, 'x');  // more than one window
    asio::co_spawn(
        co_await asio::this_coro::executor,
        [](endpoint::session server) -> awaitable<void> {
          auto rpc = co_await server.async_accept_stream();
          EXPECT_EQ(rpc.kind, "rpc");
          auto in = co_await server.async_accept_stream();
          EXPECT_EQ(in.kind, "echo");
          std::vector<char> block(10'000);
          for (;;) {
            auto [failed, n] = co_await in.stream.async_read_some(asio::buffer(block), with_error);
            if (failed == asio::error::eof) break;
            EXPECT_FALSE(failed);
            co_await asio::async_write(in.stream, asio::buffer(block, n), endpoint::default_token{});
          }
          co_await in.stream.async_shutdown_send();
        }(ends.server),
        asio::detached);
    auto [write_failed, written] = co_await asio::async_write(out, asio::buffer(text.substr(0, 200'000)), with_error);
    EXPECT_FALSE(write_failed);
    EXPECT_EQ(written, 200'000u);
    co_await out.async_shutdown_send();
    std::string back;
    auto [read_failed, n] = co_await asio::async_read(out, asio::dynamic_buffer(back), with_error);
    EXPECT_EQ(read_failed, asio::error::eof);
    EXPECT_EQ(back, text.substr(0, 200'000));
    co_await ends.client.async_close();
  });
}

}  // namespace
}  // namespace flowersec::testing
