// The proof that flowersec::stream is an ordinary stream: Beast's HTTP runs over it unmodified, both roles.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "direct_fixture.h"

namespace flowersec::testing {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

awaitable<void> serve_http(endpoint::session server) {
  for (;;) {
    auto [failed, in] = co_await server.async_accept_stream(with_error);
    if (failed) co_return;
    if (in.kind != "http") continue;
    beast::flat_buffer buffer;
    for (;;) {
      http::request<http::string_body> request;
      auto [read_failed, n] = co_await http::async_read(in.stream, buffer, request, with_error);
      if (read_failed) break;
      http::response<http::string_body> response{http::status::ok, 11};
      response.body() = std::string{request.target()} + ":" + request.body();
      response.keep_alive(request.keep_alive());
      response.prepare_payload();
      co_await http::async_write(in.stream, response, endpoint::default_token{});
    }
    co_await in.stream.async_shutdown_send(with_error);  // the client may have ended the session
  }
}

awaitable<void> ask_http(endpoint::session client) {
  auto stream = co_await client.async_open_stream("http");
  beast::flat_buffer buffer;
  for (const std::size_t size : {0u, 1u, 1000u, 100'000u}) {  // one connection, several requests
    http::request<http::string_body> request{http::verb::post, "/page", 11};
    request.body() = std::string(size, 'b');
    request.prepare_payload();
    co_await http::async_write(stream, request, endpoint::default_token{});
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, endpoint::default_token{});
    EXPECT_EQ(response.result(), http::status::ok);
    EXPECT_EQ(response.body(), "/page:" + request.body());
  }
  co_await client.async_close();
}

TEST(stream_proof, beast_http_client_and_server_run_over_a_stream) {
  using namespace asio::experimental::awaitable_operators;
  with_session([](both ends) -> awaitable<void> {
    co_await (ask_http(std::move(ends.client)) && serve_http(std::move(ends.server)));
  });
}

}  // namespace
}  // namespace flowersec::testing
